"""One process of the daemon, from its start to its end, in order or by force."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from harness.app import App, serve
from harness.clock import Clock
from harness.config.home import Home
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits, Reservation
from tests.simulation.pool.lives import GRAVES, LivesLoop, join
from tests.simulation.run import Quiet

STOP_SECONDS = 130  # four stages of thirty seconds


class Life:
    """`app` is there once it is `up`. `beyond` is what calls took beyond what they held."""

    def __init__(self, home: Home, clock: Clock, number: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, LivesLoop)
        self.home, self.clock, self.number, self.loop = home, clock, number, loop
        self.stop = asyncio.Event()
        self.up = asyncio.Event()
        self.app: App
        self.beyond = Amount()
        self.running = loop.live(self.run(), number)

    async def run(self) -> None:
        self.app = App.open(self.home, self.clock, {})
        self.app.scheduler = Quiet(self.app.bus, self.app.crew.crontab, self.clock)
        self.watch(self.app.limits)
        await serve(self.app, self.stop, lambda _: self.up.set())

    async def begun(self) -> None:
        waiting = asyncio.ensure_future(self.up.wait())
        await asyncio.wait({waiting, self.running}, return_when=asyncio.FIRST_COMPLETED)
        if self.running.done():
            waiting.cancel()
            await self.running

    async def end(self) -> None:
        """Raises TimeoutError when it takes too long, and whatever ended it."""
        self.stop.set()
        async with asyncio.timeout(STOP_SECONDS):
            await self.running

    async def die(self) -> None:
        """Nothing of it runs on; what its threads have begun to write is written."""
        self.loop.kill(self.number)
        GRAVES.append(self)
        await self.loop.threads()
        self.loop.kill(self.number)
        app = self.app
        for writer in (app.bus._writer, app.ledger._writer):
            if writer is not None:
                writer._entries.put(None)
                join(writer._thread)
        app.audit._queue.put(None)
        join(app.audit._thread)
        app.index.close()
        app.bus.reader.close()
        bell = app.bus._bell
        for end in (bell._read, bell._write):
            os.close(end)

    def watch(self, limits: Limits) -> None:
        """See by how much calls pass what they hold."""
        settle = limits.settle

        def watched(reservation: Reservation, *args: Any) -> Any:
            spent = settle(reservation, *args)
            over = spent - reservation.held
            self.beyond += Amount(max(over.tokens, 0), max(over.gpu, 0.0))
            return spent

        limits.settle = watched  # type: ignore[method-assign,assignment]
