"""The supervisor: keeps every service running, and stops them stage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from harness.clock import Clock
from harness.services.waiting import unless

log = structlog.get_logger("supervisor")

BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before a service that broke is started again
HEALTHY_SECONDS = 300.0  # one that ran this long starts again at the first step
STAGE_SECONDS = 30.0  # how long a stage may take to stop


class Service(Protocol):
    """A loop that runs until `stop` is set and then returns soon."""

    async def run(self, stop: asyncio.Event) -> None: ...


Stage = Mapping[str, Service]


class Supervisor:
    """Runs the services of all stages; a failing one is restarted and stops no other."""

    def __init__(self, stages: Sequence[Stage], clock: Clock) -> None:
        self.stages = stages
        self.clock = clock
        self.restarts = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; then end the stages in their order, each within its limit."""
        running = [self.start(stage) for stage in self.stages]
        await stop.wait()
        for ending, keepers in running:
            ending.set()
            _, late = await asyncio.wait(keepers, timeout=STAGE_SECONDS)
            for keeper in late:
                log.error("service did not stop in time", service=keeper.get_name())
                keeper.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def start(self, stage: Stage) -> tuple[asyncio.Event, list[asyncio.Task[None]]]:
        ending = asyncio.Event()
        return ending, [
            asyncio.create_task(self.keep(name, service, ending), name=name)
            for name, service in stage.items()
        ]

    async def keep(self, name: str, service: Service, stop: asyncio.Event) -> None:
        """Run a service for as long as nobody asks it to stop, however often it breaks."""
        failures = 0
        while not stop.is_set():
            started = self.clock.monotonic()
            try:
                await service.run(stop)
                return
            except Exception:  # the boundary: whatever breaks one service stops no other
                log.exception("service broke", service=name)
            if self.clock.monotonic() - started > HEALTHY_SECONDS:
                failures = 0
            self.restarts += 1
            pause = BACKOFF[min(failures, len(BACKOFF) - 1)]
            failures += 1
            await unless(stop, self.clock.sleep(pause))
