"""Entries for the tests of promotion, without files and in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from harness.config.settings import Promotion
from harness.memory.learning import Kind, Learning, Observation, Source, Status, Verification
from harness.memory.lessons.book import Book
from harness.memory.rules.gate import Candidacy, judge
from harness.memory.rules.longterm import LongTerm

NOW = datetime(2026, 11, 18, 22, tzinfo=UTC)
TODAY = NOW.date()
FIX = "Use BILLBOARD_BUY_AMT instead of BUY_AMT."
RULE = "When calling query, use BILLBOARD_BUY_AMT instead of BUY_AMT."

_PLAIN = Learning(
    id="ERR-20261116-001",
    agent="macro",
    kind=Kind.ERROR,
    title="query",
    status=Status.PENDING,
    priority="medium",
    pattern_key="data.field_name",
    count=3,
    tasks=("t1", "t2", "t3"),
    first_seen=date(2026, 11, 16),
    last_seen=TODAY,
    summary="The table has no field BUY_AMT.",
    fix=FIX,
    evidence="unknown field 'BUY_AMT' in billboard",
    verifications=tuple(
        Verification(TODAY - timedelta(days=2 - n), f"t{n + 1}", Source.TOOL) for n in range(3)
    ),
    quarantine=(),
    contradicted_by="",
    promoted=None,
    path="memory/macro/.learnings/ERRORS.md",
    line=3,
)


def lesson(**changes: object) -> Learning:
    """A lesson that is ready to be a rule, but for these changes."""
    return replace(_PLAIN, **changes)  # type: ignore[arg-type]


def candidacy(
    memory: LongTerm,
    entry: Learning,
    others: Sequence[Learning] = (),
    now: datetime = NOW,
) -> Candidacy:
    """What the gate says of an entry, beside what stands in the file and what was taken back."""
    return judge(entry, others, Promotion(), now, memory.lines(), memory.undone(now))


def seen(
    book: Book,
    fix: str = FIX,
    *,
    tool: str = "query",
    key: str = "data.field_name",
    summary: str = "The table has no field BUY_AMT.",
    times: int = 3,
    start: datetime = NOW - timedelta(days=2),
    outside: tuple[str, ...] = (),
    contradicts: str = "",
) -> Learning:
    """An entry in the file, seen by so many tasks on as many days."""
    for n in range(times):
        at = start + timedelta(days=n)
        kept = book.record(
            Observation(
                Kind.ERROR,
                tool,
                summary,
                Source.TOOL,
                f"{key}-{at:%m%d}",
                at,
                key=key,
                fix=fix,
                outside=outside,
                contradicts=contradicts,
            )
        )
    return book.get(kept.id)
