"""How long to wait for a model: loading, the first token and every next one, each apart.

Before the first byte a server that loads a model and one that hangs look alike. So after a
while it is asked, and no more often than that: a quick answer costs no extra request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """All in seconds."""

    load: float = 300.0  # from the slot until the model is in memory
    first_token: float = 120.0  # from then until the first line
    idle: float = 120.0  # between two lines
    look: float = 5.0  # into the wait, and then this often, ask whether it is in memory
    close: float = 1.0  # from the done line to the end of the stream


class Patience:
    """The deadline of one call, moved on as the call goes.

    `deadline` must have been entered with `timeouts.load`; `stage` tells which wait is on, for
    the error when it expires.
    """

    def __init__(
        self,
        deadline: asyncio.Timeout,
        timeouts: Timeouts,
        is_loaded: Callable[[], Awaitable[bool]],
        is_talking: Callable[[], bool],  # the model, to another call of ours
    ) -> None:
        self.stage = f"{timeouts.load:g} s, the time for loading the model"
        self._deadline = deadline
        self._timeouts = timeouts
        self._is_loaded = is_loaded
        self._is_talking = is_talking
        self._loop = asyncio.get_running_loop()
        self._look = self._loop.call_later(timeouts.look, self._start_watch)
        self._watch: asyncio.Task[None] | None = None
        self._waiting = True  # for the first line

    def heard(self) -> None:
        """A line came."""
        if self._waiting:
            self._waiting = False
            self._stop_watch()
            self.stage = f"{self._timeouts.idle:g} s between two lines"
        self._extend(self._timeouts.idle)

    def done(self) -> None:
        """The last line came; only the end of the stream is still to come."""
        self._extend(self._timeouts.close)

    async def end(self) -> None:
        self._stop_watch()
        if self._watch is not None:
            with suppress(asyncio.CancelledError):
                await self._watch

    def _start_watch(self) -> None:
        self._watch = self._loop.create_task(self._until_loaded(), name="ollama-patience")

    async def _until_loaded(self) -> None:
        while not await self._is_loaded():
            await asyncio.sleep(self._timeouts.look)
        if self._waiting and not self._deadline.expired():
            self.stage = f"{self._timeouts.first_token:g} s for the first token"
            self._extend(self._timeouts.first_token)
        last = self._loop.time() + self._timeouts.load
        while self._waiting and not self._deadline.expired():
            await asyncio.sleep(self._timeouts.look)
            # it has fewer slots than we were told, and we wait for one; or ours hangs beside them
            if self._is_talking() and self._loop.time() < last:
                self._extend(self._timeouts.first_token)

    def _stop_watch(self) -> None:
        self._look.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _extend(self, seconds: float) -> None:
        extend(self._deadline, seconds)


def extend(deadline: asyncio.Timeout, seconds: float) -> None:
    """Let a deadline be so many seconds from now, unless its moment has come already."""
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time() + seconds)
