"""Wakes whoever waits in this process for something to change, and loses no change."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass

from harness.clock import Clock


@dataclass
class Mark:
    """How far one waiting task has looked."""

    generation: int


class Pulse:
    """Counts changes. A wait ends at once when the count has moved since its task's last wait.

    Without the count, a change that falls between "there is nothing to do" and the wait
    would be slept through; and so it would if each look moved the mark, for whoever looks
    at several lanes in turn. The mark lies in a context variable, so that it also holds when
    the wait runs in a helper task, as under `asyncio.wait_for`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.generation = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._mark: ContextVar[Mark | None] = ContextVar("mark", default=None)

    def looks(self) -> None:
        """The running task is about to look at the bus: from here on nothing is missed."""
        if self._mark.get() is None:
            self._mark.set(Mark(self.generation))

    def beat(self) -> None:
        """Something changed: wake everyone. Called in the event loop."""
        self.generation += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self, timeout: float) -> bool:
        """True once something changed since the task looked; False after `timeout` seconds."""
        mark = self._mark.get()
        if mark is None:
            mark = Mark(self.generation)
            self._mark.set(mark)
        changed = mark.generation != self.generation or await self._next(timeout)
        mark.generation = self.generation
        return changed

    async def _next(self, timeout: float) -> bool:
        beat: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(beat)
        sleep = asyncio.ensure_future(self.clock.sleep(timeout))
        try:
            await asyncio.wait({beat, sleep}, return_when=asyncio.FIRST_COMPLETED)
            return beat.done()
        finally:
            self._waiting.discard(beat)
            sleep.cancel()
