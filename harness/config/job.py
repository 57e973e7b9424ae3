"""One job of cron.yaml with everything decided, and the times at which it is due."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from harness.config.cronfile import JobLine
from harness.config.durations import format_duration
from harness.cronline import Cronline

SHORTEST_GRACE = timedelta(minutes=2)  # what `auto` means at least, and at most
LONGEST_GRACE = timedelta(hours=2)


@dataclass(frozen=True)
class Job:
    """One job with everything decided. Its id is stable across edits of all else."""

    id: str
    line: JobLine
    zone: ZoneInfo
    cron: Cronline | None = None
    at: datetime | None = None

    @property
    def agent(self) -> str:
        return self.line.agent

    @property
    def enabled(self) -> bool:
        return self.line.enabled

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides when it fires; another one is another schedule."""
        line = self.line
        every = line.every and format_duration(line.every)
        parts = (self.zone.key, line.cron, every, line.at, line.after, line.jitter, line.enabled)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def offset(self) -> timedelta:
        """The job's own part of its jitter: always the same for the same id."""
        number = int.from_bytes(hashlib.sha256(self.id.encode()).digest()[:8])
        return timedelta(seconds=number % (int(self.line.jitter.total_seconds()) + 1))

    @property
    def schedule(self) -> str:
        """When it fires, as the file says it."""
        line = self.line
        if line.every is not None:
            return f"every {format_duration(line.every)}"
        if line.after is not None:
            return f"after {', '.join(line.after)}"
        return line.cron or f"at {line.at}"

    def slots(self, after: datetime) -> Iterator[datetime]:
        """The job's due times later than `after`, in UTC, ascending; a job that waits for
        others has none."""
        offset = self.offset
        plain = self._plain_slots(after - offset)
        return (slot + offset for slot in plain)

    def _plain_slots(self, after: datetime) -> Iterator[datetime]:
        if self.cron is not None:
            yield from self.cron.slots(self.zone, after)
        elif self.line.every is not None:
            yield from multiples(self.line.every, self.zone, after)
        elif self.at is not None and self.at > after:
            yield self.at

    def count(self, after: datetime, until: datetime) -> int:
        """How many slots are later than `after` and not later than `until`; cheap, however
        many there are."""
        begin, end = after - self.offset, until - self.offset
        if self.cron is not None:
            return self.cron.count(self.zone, begin, end)
        if self.line.every is not None:
            start = start_of(self.zone)
            return (end - start) // self.line.every - (begin - start) // self.line.every
        return sum(1 for slot in self._plain_slots(begin) if slot <= end)

    @property
    def per_day(self) -> float:
        """How many slots a day may have, if it has 24 hours."""
        if self.line.every is not None:
            return timedelta(days=1) / self.line.every
        return self.cron.per_day if self.cron is not None else 1

    def newest(self, after: datetime, until: datetime) -> datetime | None:
        """The last slot that is later than `after` and not later than `until`."""
        span = SHORTEST_GRACE
        while True:
            begin = max(until - span, after)
            found = list(takewhile(lambda slot: slot <= until, self.slots(begin)))
            if found or begin == after:
                return found[-1] if found else None
            span *= 8

    def grace(self, slot: datetime, following: datetime | None) -> timedelta:
        """How late the slot may still fire: `auto` is half the time to the one that follows,
        within 2 minutes and 2 hours."""
        if isinstance(self.line.grace, timedelta):
            return self.line.grace
        half = (following - slot) / 2 if following else LONGEST_GRACE
        return min(max(half, SHORTEST_GRACE), LONGEST_GRACE)

    @property
    def longest_grace(self) -> timedelta:
        """What is later than this is missed, whatever follows it."""
        if self.line.every is not None:
            return self.grace(start_of(self.zone), start_of(self.zone) + self.line.every)
        return self.grace(start_of(self.zone), None)


def multiples(period: timedelta, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every multiple of the period, counted in real time from the zone's midnight of
    1970-01-01, so that no restart moves it."""
    start = start_of(zone)
    number = (after - start) // period + 1
    while True:
        yield start + number * period
        number += 1


def start_of(zone: ZoneInfo) -> datetime:
    """The zone's midnight of 1970-01-01, from which periods are counted."""
    return datetime(1970, 1, 1, tzinfo=zone).astimezone(UTC)
