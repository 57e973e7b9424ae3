"""One cron line, and the instants at which it fires in a time zone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import takewhile

from harness.cronline.fields import FIELDS, CronlineError, parse_field, split_line
from harness.cronline.words import Schedule, describe

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
MINUTES_A_DAY = 1440
DAY = timedelta(days=1)
LONGEST_FOLD = timedelta(days=1)  # a clock was never set back by more
LAST_YEAR = 9998
# every combination of date and weekday that can ever come, comes within 40 years
FIRST_PROBE, LAST_PROBE = date(2000, 1, 1), date(2040, 12, 31)


@dataclass(frozen=True)
class Cronline:
    """A parsed line. Daylight saving is Debian cron's; see `slots`."""

    text: str
    schedule: Schedule
    follows_real_time: bool  # `*` begins the minute or the hour

    @classmethod
    def parse(cls, text: str) -> Cronline:
        """Read five fields or a nickname such as @daily.

        Raises CronlineError for what cron would refuse and for a line that never fires.
        """
        pieces = split_line(text)
        minutes, hours, days, months, weekdays = (
            parse_field(piece, field) for piece, field in zip(pieces, FIELDS, strict=True)
        )
        starred = [piece.text.startswith("*") for piece in pieces]
        schedule = Schedule(
            minutes=tuple(sorted(minutes)),
            hours=tuple(sorted(hours)),
            days=days,
            months=months,
            weekdays=weekdays,
            both_days=starred[2] or starred[4],
        )
        if next(_dates(schedule, FIRST_PROBE, LAST_PROBE.year), None) is None:
            raise CronlineError(
                "this never fires: none of its months has such a day",
                pieces[2].offset,
                pieces[3].offset + len(pieces[3].text) - pieces[2].offset,
            )
        return cls(text, schedule, follows_real_time=starred[0] or starred[1])

    def describe(self) -> str:
        """The line in words: `at 07:30, Monday to Friday`."""
        return describe(self.schedule)

    def slots(self, zone: tzinfo, after: datetime) -> Iterator[datetime]:
        """The instants later than `after` at which the line fires in `zone`: UTC, ascending.

        A fixed time that a gap removes fires at the first instant after the gap, and one in
        a fold fires the first time only. A line whose minute or hour begins with `*` fires
        at every real minute that the zone's clocks show so: never in a gap, twice in a fold.
        """
        start = after.astimezone(zone)
        wall = start.replace(tzinfo=None, second=0, microsecond=0)
        if _is_ambiguous(wall, zone):
            wall -= LONGEST_FOLD  # earlier walls come round again
        walls = _walls(self.schedule, wall)
        instants = _real_times(walls, zone) if self.follows_real_time else _fixed(walls, zone)
        return (instant for instant in instants if instant > after)

    @property
    def per_day(self) -> int:
        """How many times of a day the line names."""
        return len(self.schedule.hours) * len(self.schedule.minutes)

    def count(self, zone: tzinfo, after: datetime, until: datetime) -> int:
        """How many of the `slots` later than `after` come by `until`: without looking at each,
        but around changes of the clocks."""
        day, last = after.astimezone(zone).date(), until.astimezone(zone).date()
        dates = set(takewhile(lambda date: date <= last, _dates(self.schedule, day, LAST_YEAR)))
        total, seen = 0, after  # everything up to `seen` is counted
        while day <= last:
            if _is_quiet(day, zone):
                begin, end = _midnight(day, zone), _midnight(day + DAY, zone) - MICROSECOND
                total += self._listed(zone, seen, begin - MICROSECOND)
                seen, begin = min(end, until), max(seen, begin - MICROSECOND)
                total += self._named(begin.astimezone(zone), seen.astimezone(zone), day, dates)
            day += DAY
        return total + self._listed(zone, seen, until)

    def _named(self, after: datetime, until: datetime, day: date, dates: set[date]) -> int:
        """How many times of a day, on which clocks are left alone, are in a part of it."""
        if day not in dates:
            return 0
        midnight = datetime(day.year, day.month, day.day)
        low, high = ((end.replace(tzinfo=None) - midnight) // MINUTE for end in (after, until))
        if low < 0 and high >= MINUTES_A_DAY - 1:
            return self.per_day
        times = (
            60 * hour + minute for hour in self.schedule.hours for minute in self.schedule.minutes
        )
        return sum(1 for time in times if low < time <= high)

    def _listed(self, zone: tzinfo, after: datetime, until: datetime) -> int:
        if after >= until:
            return 0
        return sum(1 for _ in takewhile(lambda slot: slot <= until, self.slots(zone, after)))


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    """The one instant, in UTC, that a time on the wall of `zone` means: the first time it
    is shown, or the end of the gap it is in."""
    while _is_imaginary(wall, zone):
        wall = wall.replace(second=0, microsecond=0) + MINUTE
    return _instant(wall, zone)


def _fixed(walls: Iterator[datetime], zone: tzinfo) -> Iterator[datetime]:
    """Each wall time once; several in one gap are one instant."""
    last = None
    for wall in walls:
        instant = instant_of(wall, zone)
        if instant != last:
            yield instant
        last = instant


def _real_times(walls: Iterator[datetime], zone: tzinfo) -> Iterator[datetime]:
    """Each wall time as often as clocks show it, in the order of real time."""
    again: list[datetime] = []  # the second showings of the fold we are in
    for wall in walls:
        if _is_imaginary(wall, zone):
            continue
        first = _instant(wall, zone)
        while again and again[0] < first:
            yield again.pop(0)
        yield first
        if _is_ambiguous(wall, zone):
            again.append(_instant(wall.replace(fold=1), zone))
    yield from again


def _walls(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The wall times of a schedule from `start` on, as if clocks were never changed."""
    for day in _dates(schedule, start.date(), LAST_YEAR):
        for hour in schedule.hours:
            for minute in schedule.minutes:
                wall = datetime(day.year, day.month, day.day, hour, minute)
                if wall >= start:
                    yield wall


def _dates(schedule: Schedule, start: date, last_year: int) -> Iterator[date]:
    """The dates that a schedule allows from `start` on, a whole month skipped at a time."""
    months = sorted(schedule.months)
    for year in range(start.year, last_year + 1):
        for month in months:
            if (year, month) < (start.year, start.month):
                continue
            for day in _days(schedule, year, month):
                if (found := date(year, month, day)) >= start:
                    yield found


def _days(schedule: Schedule, year: int, month: int) -> Iterator[int]:
    first_weekday, length = calendar.monthrange(year, month)  # counts from Monday
    for day in range(1, length + 1):
        by_date = day in schedule.days
        by_weekday = (first_weekday + day) % 7 in schedule.weekdays
        if (by_date and by_weekday) if schedule.both_days else (by_date or by_weekday):
            yield day


def _is_quiet(day: date, zone: tzinfo) -> bool:
    """Whether clocks are left alone on that day, and on the one before: a gap at its end
    would move times here."""
    offsets = {
        _midnight(day + days * DAY, zone).astimezone(zone).utcoffset() for days in (-1, 0, 1)
    }
    return len(offsets) == 1


def _midnight(day: date, zone: tzinfo) -> datetime:
    return _instant(datetime(day.year, day.month, day.day), zone)


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _is_imaginary(wall: datetime, zone: tzinfo) -> bool:
    return _instant(wall, zone).astimezone(zone).replace(tzinfo=None) != wall


def _is_ambiguous(wall: datetime, zone: tzinfo) -> bool:
    aware = wall.replace(tzinfo=zone)
    return aware.utcoffset() != aware.replace(fold=1).utcoffset()
