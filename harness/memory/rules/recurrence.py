"""Does a rule help? How often its mistake was seen before it was promoted, and how often since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from harness.memory.learning import Learning

MONTH = 30  # days, for a rate
LEAST = 7  # days of a rate: three times in three days are not thirty in a month
AGAIN = 2  # times, and tasks, from which on a rule is said not to help
EXPECTED = 2.0  # times at its old rate that it must have stayed away for, to be said to help


class Verdict(StrEnum):
    """What the numbers allow to say."""

    HELPS = "helps"
    DOES_NOT_HELP = "does not help"
    TOO_EARLY = "too early to say"


@dataclass(frozen=True)
class Recurrence:
    """A mistake before and after its rule. A rate is in times per 30 days."""

    before: int  # times until the day of the promotion, that day included
    days_before: int  # from the first of them to the promotion, at least LEAST
    after: int  # times since
    tasks_after: int  # in how many tasks
    days: int  # since the promotion

    @property
    def rate_before(self) -> float:
        return self.before * MONTH / self.days_before

    @property
    def rate_after(self) -> float:
        return self.after * MONTH / max(self.days, LEAST)

    @property
    def verdict(self) -> Verdict:
        """`does not help` from AGAIN times in AGAIN tasks at no less than half of the old rate.
        Otherwise `too early to say` in the first LEAST days, until it would have come EXPECTED
        times at the old rate, and while the rate is not below half of the old one; else `helps`.
        """
        halved = self.rate_after < self.rate_before / 2
        if self.after >= AGAIN and self.tasks_after >= AGAIN and not halved:
            return Verdict.DOES_NOT_HELP
        expected = self.rate_before * self.days / MONTH
        if self.days < LEAST or expected < EXPECTED or not halved:
            return Verdict.TOO_EARLY
        return Verdict.HELPS


def recurrence(learning: Learning, today: date) -> Recurrence | None:
    """The numbers of an entry that became a rule; None for one that did not.

    An entry keeps its newest verifications and counts them all: those it does not list any more
    were before the promotion.
    """
    if learning.promoted is None:
        return None
    since = [seen for seen in learning.verifications if seen.day > learning.promoted]
    first = min([seen.day for seen in learning.verifications] + [learning.promoted])
    first = min(first, learning.first_seen or first)
    return Recurrence(
        before=max(learning.count, len(learning.verifications)) - len(since),
        days_before=max((learning.promoted - first).days + 1, LEAST),
        after=len(since),
        tasks_after=len({seen.task for seen in since}),
        days=max((today - learning.promoted).days, 0),
    )
