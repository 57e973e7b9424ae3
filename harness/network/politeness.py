"""Manners towards other people's servers: few at a time, and a breath between two requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from harness.clock import Clock


@dataclass
class Door:
    """One host: who is inside, and when the next may enter."""

    inside: asyncio.Semaphore
    opens: float  # monotonic seconds
    visitors: int = 0  # inside or waiting


class Politeness:
    """Lets `at_once` requests at a time into each host, each `gap` seconds after the last."""

    def __init__(self, clock: Clock, *, at_once: int = 2, gap: float = 0.2) -> None:
        self.clock = clock
        self.at_once = at_once
        self.gap = gap
        self._doors: dict[str, Door] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn at `host`, and hold it."""
        door = self._door(host)
        door.visitors += 1
        try:
            async with door.inside:
                now = self.clock.monotonic()
                enters = max(now, door.opens)
                door.opens = enters + self.gap
                if enters > now:
                    await self.clock.sleep(enters - now)
                yield
        finally:
            door.visitors -= 1

    def _door(self, host: str) -> Door:
        if host not in self._doors:
            self._forget_idle()
            self._doors[host] = Door(asyncio.Semaphore(self.at_once), opens=0.0)
        return self._doors[host]

    def _forget_idle(self) -> None:
        """A daemon that runs for years must not remember every host it ever met."""
        now = self.clock.monotonic()
        for host, door in list(self._doors.items()):
            if door.visitors == 0 and door.opens <= now:
                del self._doors[host]
