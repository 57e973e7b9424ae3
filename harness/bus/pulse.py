"""Wakes whoever waits in this process for something to change, and loses no change."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from harness.clock import Clock


@dataclass
class Mark:
    """How far one task of the event loop has looked."""

    task: asyncio.Task[Any] | None
    generation: int


class Pulse:
    """Counts changes. A wait ends at once when the count has moved since its task looked.

    Without the count, a change that falls between "there is nothing to do" and the wait
    would be slept through. What counts is the first look since the last wait: a task that
    asks several things before it waits must not miss what changed after the first answer.
    The mark lies in a context variable, so that it also holds when the wait runs in a
    helper task, as under `asyncio.wait_for`.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.generation = 0
        self._waiting: dict[asyncio.Future[None], None] = {}  # woken in the order they came
        self._mark: ContextVar[Mark | None] = ContextVar("mark", default=None)

    def looks(self) -> Mark:
        """The running task is about to look: it knows all that happened so far."""
        task, mark = asyncio.current_task(), self._mark.get()
        if mark is None or mark.task is not task:  # another task's was only inherited
            mark = Mark(task, self.generation)
            self._mark.set(mark)
        return mark

    def beat(self) -> None:
        """Something changed: wake everyone. Called in the event loop."""
        self.generation += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self, timeout: float) -> bool:
        """True once something changed since the task looked; False after `timeout` seconds."""
        mark = self._mark.get() or self.looks()
        changed = mark.generation != self.generation or await self._next(timeout)
        mark.generation = self.generation
        return changed

    async def _next(self, timeout: float) -> bool:
        beat: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[beat] = None
        sleep = asyncio.ensure_future(self.clock.sleep(timeout))
        try:
            await asyncio.wait({beat, sleep}, return_when=asyncio.FIRST_COMPLETED)
            return beat.done()
        finally:
            self._waiting.pop(beat, None)
            sleep.cancel()
