"""Entry files as people, programs and accidents write them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from harness.memory.learning import Kind, Observation, Source
from tests.fuzz.strategies import damaged, odd_text

NOW = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
FILE = """# Learnings

Notes of a person.

## [LRN-20261116-001] correction

**Logged**: 2026-11-16T09:00:00Z
**Priority**: medium
**Status:** pending
**Area**: config

### Summary
The field is BILLBOARD_BUY_AMT

### Details
```text
---
## [LRN-20261116-900] none
```

### Metadata
- Source: user_feedback
* Task: 01A
- Pattern-Key: api.field
- Recurrence-Count: 2
- First-Seen: 2026-11-16
- Last-Seen: 2026-11-17
- Mood: blue

---

## [HEAL-20261116-A3F] restarted

**Status**: done

---

## [LRN-20261117-002] 提案

**Status**: erledigt

### Summary
Прочитай страницу целиком

---
"""

pieces = st.sampled_from(
    [
        *(
            "---",
            "```",
            "````",
            "~~~ x",
            "   ```",
            "    ```",
            "# Learnings",
            "## Notes",
            "### Metadata",
        ),
        *(
            "## [LRN-20261118-001] insight",
            "## [ERR-1] bash",
            "## [HEAL-1] x",
            "## [x](y)",
            "## []",
        ),
        *("### Summary", "### Suggested Action", "### Verifications", "Words of a sentence.", ""),
        *("- 2026-11-16 01A agent", "- 2026-11-16 01B agent, after reading b.test", "- Tasks:"),
        *("**Status**: pending", "**Status:**pending", "- Recurrence-Count: 3", "* Task: 01A, 01B"),
        *(
            "- **Status**: x",
            "- Trust: quarantine, after reading b.test",
            "- Pattern-Key: net.gone",
        ),
        *("日本語", "\udcff\udce9", "\x85", "\u2028", "\ufeff"),
    ]
)
newlines = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ""])
built = st.lists(st.tuples(pieces, newlines), max_size=30).map(
    lambda rows: "".join(piece + newline for piece, newline in rows)
)
as_crlf = st.just(FILE.replace("\n", "\r\n"))
whole = st.one_of(st.just(FILE), as_crlf, st.just("\ufeff" + FILE.rstrip()))
texts = st.one_of(built, whole, damaged([FILE]), odd_text).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
)

summaries = st.sampled_from(
    ["The field is BUY_AMT", "the field is buy_amt!", "Wait for slow hosts", "Read the whole page"]
)
observations = st.builds(
    Observation,
    kind=st.sampled_from(Kind),
    title=st.just("insight"),
    summary=summaries,
    source=st.sampled_from([Source.TOOL, Source.PERSON]),
    task=st.sampled_from(["01A", "01B", "01C"]),
    at=st.just(NOW),
    key=st.sampled_from(["", "", "api.field", "net.slow"]),
    fix=st.sampled_from(["", "When a host is slow, wait"]),
)
