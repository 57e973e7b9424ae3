"""When a job that waits for others (`after`) is due: pure rules.

The slots of one day of the jobs waited for make up a round: of each job the newest that fired,
or, when none of that day did, the newest that was missed or skipped. The round is over once no
task of it is open; the waiting job is then due, at the newest of those slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from harness.bus.port import Slot, SlotStatus, State, Task

ENDED = (State.FINAL, State.DEAD)  # a dead task may yet be resent, but nobody waits for a person


@dataclass(frozen=True)
class Leg:
    """What became of one job of a round."""

    slot: Slot
    task: Task | None  # None when it did not fire, or was purged since

    @property
    def over(self) -> datetime | None:
        """When it ended; None while its task is open."""
        if self.task is None:
            return self.slot.fired_at
        return self.task.updated_at if self.task.state in ENDED else None


@dataclass(frozen=True)
class Round:
    """One day of the jobs that are waited for, in the order in which the file names them."""

    legs: tuple[Leg, ...]

    @property
    def slot(self) -> datetime:
        return max(leg.slot.slot for leg in self.legs)

    @property
    def over(self) -> datetime | None:
        """When the last of them ended; None while one is open."""
        ends = [leg.over for leg in self.legs]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    @property
    def is_empty(self) -> bool:
        """Whether none of the jobs fired: then there is nothing to go on with."""
        return all(leg.slot.status is not SlotStatus.FIRED for leg in self.legs)


def days(histories: Sequence[Iterable[Slot]], zone: tzinfo) -> list[tuple[Slot, ...]]:
    """The slots of each day on which every one of the jobs has one, oldest day first; each
    history holds the slots of one job."""
    by_day = [newest_of_days(slots, zone) for slots in histories]
    common = sorted(set[date].intersection(*map(set, by_day))) if by_day else []
    return [tuple(slots[day] for slots in by_day) for day in common]


def newest_of_days(slots: Iterable[Slot], zone: tzinfo) -> dict[date, Slot]:
    """The slot that counts for each day: the newest that fired, else the newest."""
    counts: dict[date, Slot] = {}
    for slot in sorted(slots, key=lambda slot: (slot.status is SlotStatus.FIRED, slot.slot)):
        counts[slot.slot.astimezone(zone).date()] = slot
    return counts
