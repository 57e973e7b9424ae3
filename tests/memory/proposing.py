"""Lessons and proposals for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from harness.memory.learning import Kind, Learning, Source, Verification
from harness.memory.team.proposals import ProposalKind, Wish

RULE = "When a feed times out, use its cached copy."
WISH = Wish(
    ProposalKind.PROTOCOL,
    RULE,
    ("ainews", "macro"),
    ("ainews/ERR-20261116-001", "macro/ERR-20261117-001"),
    "Two agents, four times.",
)


def lesson(agent: str, number: int = 1, *, times: int = 2, **changes: object) -> Learning:
    """An entry that was seen on so many days, each time by another task."""
    days = [date(2026, 11, 15 + day) for day in range(times)]
    made = Learning(
        id=f"ERR-20261115-{number:03d}",
        agent=agent,
        kind=Kind.ERROR,
        title="rss",
        status="pending",
        priority="medium",
        pattern_key="net.timeout",
        count=times,
        tasks=tuple(f"task{day}" for day in range(times)),
        first_seen=days[0],
        last_seen=days[-1],
        summary="A feed timed out.",
        fix=RULE,
        evidence="The feed did not answer within 10 s; the cached copy was there.",
        verifications=tuple(Verification(d, f"task{n}", Source.TOOL) for n, d in enumerate(days)),
        quarantine=(),
        contradicted_by="",
        promoted=None,
        path=f"memory/{agent}/.learnings/ERRORS.md",
        line=3,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
