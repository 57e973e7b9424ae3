"""A rule that does not help goes on: to the team's protocol, to a check of answers, to a person.

One step at a time, each remembered in the entry as `- Escalated: protocol 2026-11-25`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from harness.files import locked, read_exact, revise
from harness.memory.learning import Learning
from harness.memory.lessons.book import Book
from harness.memory.lessons.entries import Entry, parse
from harness.memory.rules.recurrence import AGAIN, Verdict, recurrence

FIELD = "Escalated"
CRITICAL = "critical"  # the priority of an entry that needs a person
_SAID = re.compile(r"(\w+) (\d{4}-\d\d-\d\d)")


class Step(StrEnum):
    """Where a mistake is taken that its rule does not stop, in this order."""

    PROTOCOL = "protocol"  # proposed for the page that every agent reads
    CONTRACT = "contract"  # proposed as a check of the agent's answers
    PERSON = "person"  # told, for nothing of ours helps


@dataclass(frozen=True)
class Escalation:
    """The last step that was taken, and when."""

    step: Step
    day: date


def next_step(learning: Learning, last: Escalation | None, today: date) -> Step | None:
    """The step that is due now, if any: the first once the rule is said not to help, each further
    one when the mistake was made AGAIN times in AGAIN tasks after the day of the one before."""
    numbers = recurrence(learning, today)
    if last is None:
        fails = numbers is not None and numbers.verdict is Verdict.DOES_NOT_HELP
        return Step.PROTOCOL if fails else None
    since = [seen for seen in learning.verifications if seen.day > last.day]
    if len(since) < AGAIN or len({seen.task for seen in since}) < AGAIN:
        return None
    steps = list(Step)
    following = steps[steps.index(last.step) + 1 :]
    return following[0] if following else None


def last_step(book: Book, learning: Learning) -> Escalation | None:
    """What the entry remembers."""
    file = parse(read_exact(book.home.root / learning.path) or "")
    entry = next((each for each in file.entries if each.id == learning.id), None)
    said = _SAID.match(entry.field(FIELD)) if entry else None
    try:
        return Escalation(Step(said[1]), date.fromisoformat(said[2])) if said else None
    except ValueError:  # a person's own word
        return None


def remember(book: Book, learning: Learning, step: Step, today: date) -> None:
    """Write the step into the entry; no other byte changes, but the priority at the last step."""

    def change(entry: Entry) -> Entry:
        if entry.id != learning.id:
            return entry
        taken = entry.with_field(FIELD, f"{step} {today}")
        return taken.with_field("Priority", CRITICAL) if step is Step.PERSON else taken

    with locked(book.folder):
        revise(
            book.home.root / learning.path,
            lambda before: parse(before or "").changed(change).render(),
        )
