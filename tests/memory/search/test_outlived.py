"""An entry that names what denies it is marked and ranks last, found together with it or alone."""

from __future__ import annotations

from pathlib import Path

from harness.memory.search.units import Hit
from tests.memory.search.homes import index_of

LESSONS = "memory/scout/.learnings/LEARNINGS.md"
OLDER = """## [LRN-20261116-001] insight

**Status**: {status}

### Summary
Prices of the billboard table come from the field BUY_AMT

### Metadata
- Last-Seen: 2026-11-16
{mark}
---

"""
NEWER = """## [LRN-20261117-002] insight

**Status**: pending

### Summary
In the billboard the prices stand below another heading altogether

---
"""
LOG = "# 2026-11-01\n\n- 09:00Z The prices of the billboard came late\n"


def asked(root: Path, *entries: str) -> list[Hit]:
    index = index_of(root, {LESSONS: "".join(entries), "memory/scout/2026-11-01.md": LOG})
    try:
        return index.search("prices of the billboard table BUY_AMT", agent="scout")
    finally:
        index.close()


def test_a_denied_entry_names_the_place_of_the_one_that_denies_it_and_comes_last(
    tmp_path: Path,
) -> None:
    older = OLDER.format(status="pending", mark="- Contradicted-By: LRN-20261117-002\n")

    hits = asked(tmp_path, older, NEWER)

    assert hits[-1].superseded_by == f"{LESSONS}:14"
    assert "LRN-20261117-002] insight In the billboard" in hits[0].unit.text
    assert [hit.superseded_by for hit in hits[:-1]] == [None, None]


def test_where_what_denies_it_is_not_found_its_id_is_told(tmp_path: Path) -> None:
    older = OLDER.format(status="pending", mark="- Contradicted-By: LRN-20261117-002\n")

    hits = asked(tmp_path, older)

    assert [hit.superseded_by for hit in hits] == [None, "LRN-20261117-002"]


def test_a_superseded_entry_comes_last_also_when_it_names_none(tmp_path: Path) -> None:
    hits = asked(tmp_path, OLDER.format(status="superseded", mark=""))

    assert [hit.superseded_by for hit in hits] == [None, "a newer entry"]


def test_an_entry_that_holds_is_as_it_was(tmp_path: Path) -> None:
    hits = asked(tmp_path, OLDER.format(status="pending", mark=""))

    assert [hit.superseded_by for hit in hits] == [None, None]
    assert "BUY_AMT" in hits[0].unit.text
