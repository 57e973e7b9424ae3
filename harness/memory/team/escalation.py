"""A rule that does not help goes on: to the team's protocol, to a check of answers, to a person.

One step at a time, each remembered in the entry as `- Escalated: protocol 2026-11-25`. While a
person has not decided on what was proposed, nothing goes on; he is reminded once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from harness.files import locked, read_exact, revise
from harness.memory.learning import Learning
from harness.memory.lessons.book import Book
from harness.memory.lessons.entries import Entry, parse
from harness.memory.rules.recurrence import AGAIN, Verdict, recurrence
from harness.memory.team.proposals import TAKEN, Proposal

FIELD = "Escalated"
PATIENCE = timedelta(days=7)  # until a person is reminded of a proposal
CRITICAL = "critical"  # the priority of an entry that needs a person
_SAID = re.compile(r"(\w+) (\d{4}-\d\d-\d\d)(, reminded)?")


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
    reminded: bool = False  # that a person has not decided


def next_step(
    learning: Learning, last: Escalation | None, answer: Proposal | None, today: date
) -> Step | None:
    """The step that is due now, if any: the first once the rule is said not to help. While the
    `answer` to the one before is open, none. Then the next one, or that to the person where it was
    rejected or taken away, when the mistake was made AGAIN times in AGAIN tasks since."""
    numbers = recurrence(learning, today)
    if last is None:
        fails = numbers is not None and numbers.verdict is Verdict.DOES_NOT_HELP
        return Step.PROTOCOL if fails else None
    if is_open(last, answer):
        return None
    day = max(last.day, (answer and answer.decided_on) or last.day)
    since = [seen for seen in learning.verifications if seen.day > day]
    if len(since) < AGAIN or len({seen.task for seen in since}) < AGAIN:
        return None
    if last.step is Step.PERSON:
        return None
    taken = answer is not None and answer.decided == TAKEN
    return Step.CONTRACT if taken and last.step is Step.PROTOCOL else Step.PERSON


def is_open(last: Escalation, answer: Proposal | None) -> bool:
    return last.step is not Step.PERSON and answer is not None and not answer.decided


def reminder_due(last: Escalation, answer: Proposal | None, today: date) -> bool:
    """Whether a person is to be told once more that it is his word that is missing."""
    return is_open(last, answer) and not last.reminded and today - last.day >= PATIENCE


def last_step(book: Book, learning: Learning) -> Escalation | None:
    """What the entry remembers."""
    file = parse(read_exact(book.home.root / learning.path) or "")
    entry = next((each for each in file.entries if each.id == learning.id), None)
    said = _SAID.match(entry.field(FIELD)) if entry else None
    try:
        return (
            Escalation(Step(said[1]), date.fromisoformat(said[2]), bool(said[3])) if said else None
        )
    except ValueError:  # a person's own word
        return None


def remember(book: Book, learning: Learning, step: Step, today: date) -> None:
    """Write the step into the entry; no other byte changes, but the priority at the last step."""
    _write(book, learning, f"{step} {today}", critical=step is Step.PERSON)


def remember_reminder(book: Book, learning: Learning, last: Escalation, today: date) -> None:
    """Write into the entry that the person was reminded of that step."""
    _write(book, learning, f"{last.step} {last.day}, reminded {today}")


def _write(book: Book, learning: Learning, said: str, critical: bool = False) -> None:
    def change(entry: Entry) -> Entry:
        if entry.id != learning.id:
            return entry
        taken = entry.with_field(FIELD, said)
        return taken.with_field("Priority", CRITICAL) if critical else taken

    with locked(book.folder):
        revise(
            book.home.root / learning.path,
            lambda before: parse(before or "").changed(change).render(),
        )
