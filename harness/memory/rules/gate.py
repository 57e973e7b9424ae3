"""The gate: whether a lesson may become a rule. Deterministic, before any model is asked.

The rule is that of the `.learnings/` format: seen often enough, in different tasks, lately.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from harness.config.settings import Promotion
from harness.memory.contradiction import contradicts
from harness.memory.learning import Learning, Status
from harness.memory.rules.lines import Line
from harness.memory.rules.rule_text import unfit, worded
from harness.memory.terms import key_terms
from harness.text.marks import hosts_of
from harness.text.words import similarity

OPEN = (Status.PENDING, Status.IN_PROGRESS)
SETTLED = (Status.SUPERSEDED, Status.WONT_FIX)  # what such an entry says holds no longer
SAME = 0.8  # shared key terms from which on two rules are one


@dataclass(frozen=True)
class Candidacy:
    """Whether an entry may become a rule, with every condition in words."""

    ready: bool
    reasons: tuple[str, ...]  # all conditions, met or not, in a fixed order
    lacking: tuple[str, ...]  # those of them that are not met


@dataclass(frozen=True)
class Undone:
    """A rule of the entry that was taken back, struck by a person, or made room."""

    day: date
    count: int  # how often it had been seen by then


@dataclass(frozen=True)
class Condition:
    met: bool
    told: str


def judge(
    learning: Learning,
    others: Iterable[Learning],
    promotion: Promotion,
    now: datetime,
    lines: Sequence[Line] = (),
    undone: Mapping[str, Undone] | None = None,
) -> Candidacy:
    """Whether `learning` may become a rule.

    `others` are the agent's further entries, `lines` those of its MEMORY.md, `undone` which rules
    went, by entry: only what was seen after that counts.
    """
    seen = _seen(learning, promotion, now.date(), (undone or {}).get(learning.id))
    conditions = (
        *seen,
        _open(learning, learning.id in (undone or {})),
        _uncontradicted(learning, list(others)),
        _unopposed(learning, lines),
        _free(learning),
        _sayable(learning),
    )
    lacking = tuple(one.told for one in conditions if not one.met)
    return Candidacy(not lacking, tuple(one.told for one in conditions), lacking)


def _seen(
    learning: Learning, promotion: Promotion, today: date, undone: Undone | None
) -> tuple[Condition, Condition, Condition]:
    """How often, in how many tasks, and when it was last seen."""
    first_day = today - promotion.within
    since = max(first_day, undone.day) if undone else first_day
    days = {
        (one.task, one.source): one.day
        for one in learning.verifications
        if first_day <= one.day <= today and not (undone and one.day <= undone.day)
    }
    undated = _undated(learning, since, undone)
    count = len(days) + undated
    tasks = {task for task, _ in days} | (_undated_tasks(learning) if undated else set())
    by = " by its Recurrence-Count" if undated else ""
    after = f" since it was taken back on {undone.day}" if undone else ""
    return (
        Condition(
            count >= promotion.verifications,
            f"seen {_so_many(count, promotion.verifications, 'time')}{by}{after}",
        ),
        Condition(
            len(tasks) >= promotion.tasks,
            f"in {_so_many(len(tasks), promotion.tasks, 'task')}",
        ),
        _lately(learning, first_day, _days(promotion.within)),
    )


def _so_many(count: int, wanted: int, noun: str) -> str:
    """`1 of 3 times`; what is enough is told alone."""
    if count < wanted:
        return f"{count} of {wanted} {noun}{'s' * (wanted != 1)}"
    return f"{count} {noun}{'s' * (count != 1)}"


def _undated(learning: Learning, since: date, undone: Undone | None) -> int:
    """How often it was seen beyond its dated verifications: files of others have none of these.

    All of it lies between First-Seen and Last-Seen, so it counts when both are in the window.
    """
    rest = learning.count - len(learning.verifications)
    if undone:
        rest = min(rest, learning.count - undone.count) if not learning.verifications else 0
    first = learning.last_seen if undone else learning.first_seen
    return max(rest, 0) if first is not None and first >= since else 0


def _undated_tasks(learning: Learning) -> set[str]:
    dated = {one.task for one in learning.verifications}
    return {task for task in learning.tasks if task not in dated}


def _lately(learning: Learning, first_day: date, span: str) -> Condition:
    last = learning.last_seen
    if last is None:
        return Condition(False, "no day of when it was last seen")
    if last < first_day:
        return Condition(False, f"last {last}, more than {span} ago")
    return Condition(True, f"last {last}")


def _open(learning: Learning, rests: bool) -> Condition:
    """A promoted one that rests is open again: its rule is gone from the file."""
    is_open = learning.status in OPEN or (rests and learning.status == Status.PROMOTED)
    return Condition(is_open, f"status {learning.status or 'unknown'}")


def _uncontradicted(learning: Learning, others: Sequence[Learning]) -> Condition:
    """No entry that is as new says otherwise. Those in quarantine have no say."""
    by_id = {one.id: one for one in others}
    named = by_id.get(learning.contradicted_by)
    if learning.contradicted_by and not (named and named.quarantine):
        return Condition(False, f"contradicted by {learning.contradicted_by}")
    text = worded(learning)
    against = next((one for one in others if _speaks_against(one, learning, text)), None)
    if against:
        return Condition(False, f"{against.id} says otherwise, and is not older")
    return Condition(True, "no entry says otherwise")


def _speaks_against(other: Learning, learning: Learning, text: str) -> bool:
    if other.id == learning.id or other.quarantine or other.status in SETTLED:
        return False
    return _day(other) >= _day(learning) and contradicts(text, worded(other))


def _unopposed(learning: Learning, lines: Iterable[Line]) -> Condition:
    """No line that a person wrote says otherwise, or the same."""
    text = worded(learning)
    for line in lines:
        if not line.hand_written or not line.says:
            continue
        if contradicts(text, line.says):
            return Condition(False, f"line {line.number} of MEMORY.md says otherwise")
        if says_the_same(text, line.says):
            return Condition(False, f"line {line.number} of MEMORY.md says so already")
    return Condition(True, "no line of MEMORY.md says so or otherwise")


def says_the_same(a: str, b: str) -> bool:
    """Whether two rules are one, by their key terms."""
    return similarity(key_terms(a), key_terms(b)) >= SAME and not contradicts(a, b)


def _free(learning: Learning) -> Condition:
    if learning.quarantine:  # hosts and no more: the rest of an address is a stranger's words
        whose = ", ".join(hosts_of(learning.quarantine)) or "strangers"
        return Condition(False, f"in quarantine, after reading {whose}")
    return Condition(True, "not in quarantine")


def _sayable(learning: Learning) -> Condition:
    text = worded(learning)
    if not text:
        return Condition(False, "says nothing that could be a rule")
    if learning.quarantine:  # its words are no evidence, and that is told already
        return Condition(True, "can be worded")
    faults = unfit(text, [learning])
    return Condition(not faults, f"its wording {'; '.join(faults)}" if faults else "can be worded")


def _day(learning: Learning) -> date:
    return learning.last_seen or learning.first_seen or date.min


def _days(span: timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days"
