"""One timer: has something called at a moment, or at another one, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.clock import Clock


class Alarm:
    """Calls `ring` once, when the clock reaches the moment last set."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self.clock = clock
        self.ring = ring
        self._at: float | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, at: float | None) -> None:
        """`at`: by the clock's steady time; None: never."""
        if at == self._at:
            return
        if self._task is not None:
            self._task.cancel()
        self._at, self._task = at, None
        if at is not None:
            self._task = asyncio.get_running_loop().create_task(self._wait(at), name="pool alarm")

    async def _wait(self, at: float) -> None:
        await self.clock.sleep(max(at - self.clock.monotonic(), 0.0))
        self._at = self._task = None
        self.ring()
