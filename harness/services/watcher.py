"""The watcher: takes back what nobody holds any more, and ends what came too late."""

from __future__ import annotations

import asyncio

import structlog

from harness.bus.port import Bus
from harness.clock import Clock
from harness.services.waiting import unless

log = structlog.get_logger("watcher")

SWEEP_SECONDS = 5.0


class Watcher:
    """Sweeps the bus every few seconds."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.sweep()
            await unless(stop, self.clock.sleep(SWEEP_SECONDS))

    async def sweep(self) -> None:
        for task in await self.bus.sweep():
            log.warning("task swept", task=task.id, agent=task.agent, state=str(task.state))
