"""Time as something handed in: the system's, or one that a test controls."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where every part of the house reads the time."""

    def now(self) -> datetime:
        """The wall-clock time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that stands still until it is told to move.

    `await clock.advance(60)` lets a minute pass: sleepers wake in order of their time, and
    each gets a chance to run before the clock moves on.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), wake))
        await wake

    def shift(self, by: timedelta) -> None:
        """Step the wall clock alone, as NTP or a person does; no sleeper notices."""
        self._now += by

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking every sleeper whose time has come."""
        end = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, wake = heapq.heappop(self._sleepers)
            self._move(due)
            if not wake.done():
                wake.set_result(None)
            await settle()
        self._move(end)
        await settle()

    def _move(self, to: float) -> None:
        self._now += timedelta(seconds=to - self._monotonic)
        self._monotonic = to


async def settle(rounds: int = 20) -> None:
    """Give every task that is ready a chance to run, without waiting."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def stamp(moment: datetime) -> str:
    """The one text form of a time: ISO-8601, UTC, milliseconds; it sorts as it is compared."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def unstamp(text: str) -> datetime:
    """Read back what `stamp` wrote."""
    return datetime.fromisoformat(text)
