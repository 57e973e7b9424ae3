"""So many calls of an endpoint at a time; the others wait, the urgent ones in front."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.clock import Clock
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.view import Spec, Why
from harness.models.port import Asker

ANY = Spec("", 0)  # there is one line only: an endpoint loads nothing for us


class Slots:
    """By priority, then fair between those who ask, then in the order in which they came."""

    def __init__(self, slots: int, clock: Clock) -> None:
        self.free = slots
        self._clock = clock
        self._lines = Lines()
        self._ids = itertools.count()
        self._turns: dict[int, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def slot(self, asker: Asker) -> AsyncIterator[float]:
        """Holds a slot meanwhile; gives the seconds that were waited for it."""
        begun = self._clock.monotonic()
        await self._take(asker, begun)
        try:
            yield self._clock.monotonic() - begun
        finally:
            self._give()

    async def _take(self, asker: Asker, now: float) -> None:
        if self.free > 0:
            self.free -= 1
            return
        call = Waiting(next(self._ids), ANY, frozenset(), asker.agent, asker.priority, now)
        turn = self._turns[call.id] = asyncio.get_running_loop().create_future()
        self._lines.push(call)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._lines.cancel(call.id)
            else:  # it had been called up already
                self._give()
            raise
        finally:
            del self._turns[call.id]

    def _give(self) -> None:
        while len(self._lines):
            (line,) = self._lines.views()
            turn = self._turns[self._lines.take(line, Why.LOADED).id]
            if not turn.cancelled():
                turn.set_result(None)
                return
        self.free += 1
