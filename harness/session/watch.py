"""Waiting that ends early: when somebody cancels the session, or its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, TypeVar

from harness.clock import Clock
from harness.session.steps import Reason
from harness.session.stop import Stop

T = TypeVar("T")


class Watch:
    """Lets work run until it is done, or cuts it off. Nothing outlives a wait.

    Two sentinels serve a whole session, so that a wait costs no more than its own task.
    """

    def __init__(self, clock: Clock, cancel: asyncio.Event) -> None:
        self.clock = clock
        self.cancel = cancel
        self.seconds = 0.0
        self._late = False
        self._at_work: Sequence[asyncio.Task[Any]] = ()
        self._timer: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        self._guard = asyncio.create_task(self._until_cancelled())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await put_out([task for task in (self._timer, self._guard) if task is not None])

    def allow(self, seconds: float) -> None:
        """From now on work may take `seconds` in all; what was allowed before is void."""
        if self._timer is not None:
            self._timer.cancel()
        self.seconds, self._late = seconds, False
        self._timer = asyncio.create_task(self._until_late())

    @property
    def over(self) -> bool:
        """Whether nothing new should begin."""
        return self._late or self.cancel.is_set()

    def check(self) -> None:
        """Raises Stop when the session is cancelled or its time is over."""
        if self.cancel.is_set():
            raise Stop(Reason.CANCELLED, "the task was taken away")
        if self._late:
            raise Stop(Reason.TIMEOUT, f"{self.seconds:g} seconds are over", retry=True)

    async def result(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. Raises Stop when it was cut off, or what `work` raised."""
        task = asyncio.create_task(work)
        await self.finish([task])
        if task.cancelled():
            self.check()
        return task.result()

    async def finish(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Return when all are done; those that had to be cut off are cancelled.

        Also when the waiting task itself is cancelled: then its CancelledError goes on
        once they have ended.
        """
        self._at_work = tasks
        if self.over:
            self._cut_off()
        try:
            await asyncio.wait(tasks)
        finally:
            self._at_work = ()
            await put_out(tasks)

    async def _until_late(self) -> None:
        await self.clock.sleep(self.seconds)
        self._late = True
        self._cut_off()

    async def _until_cancelled(self) -> None:
        await self.cancel.wait()
        self._cut_off()

    def _cut_off(self) -> None:
        for task in self._at_work:
            task.cancel()


async def put_out(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel those that still run, and wait for their ends."""
    burning = [task for task in tasks if not task.done()]
    for task in burning:
        task.cancel()
    if burning:
        await asyncio.wait(burning)
