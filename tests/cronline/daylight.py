"""The matrix of daylight saving: every half hour as a job of each kind, in zones that are hard.

    python -m tests.cronline.daylight     two years whole, a table; exit code 1 on differences

`make test` takes the same jobs around the changes of clocks.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from harness.cronline import Cronline

ZONES = (
    *("Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Antarctica/Troll"),
    *("Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Nuuk"),
    *("Asia/Beirut", "Africa/Casablanca", "America/Havana", "Asia/Kolkata"),
)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AROUND = 3 * DAY
TIMES = tuple((hour, minute) for hour in range(24) for minute in (0, 30))

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Tally:
    """How many slots were compared, and which were in one series alone."""

    slots: int
    differences: tuple[str, ...]


def compare(line: str, zone: ZoneInfo, spans: list[Span]) -> Tally:
    """Our slots against the oracle's, and against what no series may ever do."""
    slots, differences = 0, []
    for begin, end in spans:
        ours = series(line, zone, begin, end)
        theirs = oracle(line, zone, begin, end)
        slots += len(theirs)
        for slot in sorted(set(ours) ^ set(theirs)):
            who = "only ours" if slot in ours else "lost"
            differences.append(f"{zone.key} `{line}` {slot.astimezone(zone).isoformat()}: {who}")
        if any(later <= sooner for sooner, later in pairwise(ours)):
            differences.append(f"{zone.key} `{line}`: not strictly ascending")
    return Tally(slots, tuple(differences))


def series(line: str, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    slots = Cronline.parse(line).slots(zone, begin)
    return list(takewhile(lambda slot: slot <= end, slots))


def oracle(line: str, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    slots = (slot.astimezone(UTC) for slot in CronSim(line, begin.astimezone(zone)))
    return [slot for slot in takewhile(lambda slot: slot <= end, slots) if slot > begin]


def daily() -> Iterator[str]:
    return (f"{minute} {hour} * * *" for hour, minute in TIMES)


def weekly_and_monthly(zone: ZoneInfo) -> Iterator[str]:
    """On a weekday and a day of the month on which the zone's clocks are changed."""
    change = next(iter(changes(zone)), BEGIN).astimezone(zone)
    for hour, minute in TIMES:
        yield f"{minute} {hour} * * {change.isoweekday() % 7}"
        yield f"{minute} {hour} {change.day} * *"


def changes(zone: ZoneInfo) -> list[datetime]:
    """The hours of the two years that end with another offset than they began."""
    hours = (BEGIN + number * HOUR for number in range((END - BEGIN) // HOUR))
    return [hour for hour in hours if offset(zone, hour) != offset(zone, hour + HOUR)]


def offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def whole(zone: ZoneInfo) -> Tally:
    """Two years of all 144 jobs."""
    lines = [*daily(), *weekly_and_monthly(zone)]
    return added([compare(line, zone, [(BEGIN, END)]) for line in lines])


def in_short(zone: ZoneInfo) -> Tally:
    """The same jobs in the days around each change of clocks; in any month without one."""
    spans = [(change - AROUND, change + AROUND) for change in changes(zone)]
    lines = [*daily(), *weekly_and_monthly(zone)]
    return added([compare(line, zone, spans or [(BEGIN, BEGIN + 31 * DAY)]) for line in lines])


def added(tallies: list[Tally]) -> Tally:
    differences = [told for tally in tallies for told in tally.differences]
    return Tally(sum(tally.slots for tally in tallies), tuple(differences))


def main() -> int:
    begun, wrong = time.perf_counter(), 0
    print(f"{'zone':<22}{'changes':>8}{'slots':>10}{'differences':>13}")
    for name in ZONES:
        zone = ZoneInfo(name)
        tally = whole(zone)
        wrong += len(tally.differences)
        print(f"{name:<22}{len(changes(zone)):>8}{tally.slots:>10,}{len(tally.differences):>13}")
        for told in tally.differences:
            print(f"  {told}", file=sys.stderr)
    print(f"{wrong} differences in {time.perf_counter() - begun:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
