"""The supervisor: keeps every service running, and stops them stage by stage."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import structlog

from harness.bus.port import Recovered
from harness.clock import Clock
from harness.errors import Fatal, HarnessError
from harness.services.waiting import unless

log = structlog.get_logger("supervisor")

BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds before a service that broke is started again
REST_SECONDS = 900.0  # when it broke once more: the intensity limit
HEALTHY_SECONDS = 300.0  # one that ran this long starts again at the first step
STAGE_SECONDS = 30.0  # how long a stage may take to stop


class Service(Protocol):
    """A loop that runs until `stop` is set and then returns soon."""

    async def run(self, stop: asyncio.Event) -> None: ...


class Condition(StrEnum):
    """How a service is."""

    RUNNING = "running"
    WAITING = "waiting"  # broke, and is about to be started again
    RESTING = "resting"  # broke so often that it is left alone for a quarter of an hour
    STOPPED = "stopped"  # as asked


Stage = Mapping[str, Service]
Record = Callable[[Recovered, str, str], Awaitable[None]]


class Supervisor:
    """Runs the services of all stages; a failing one is restarted and stops no other.

    `conditions` says how each one is; `record` is told of every restart.
    """

    def __init__(self, stages: Sequence[Stage], clock: Clock, record: Record) -> None:
        self.stages = stages
        self.clock = clock
        self.record = record
        self.conditions: dict[str, Condition] = {}
        self.fatal: Fatal | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; then end the stages in their order, each within its limit.

        Raises Fatal, after the stages have ended, when a service said that none may go on.
        """
        running = [self.start(stage, stop) for stage in self.stages]
        await stop.wait()
        for ending, keepers in running:
            ending.set()
            if not keepers:
                continue
            _, late = await asyncio.wait(keepers, timeout=STAGE_SECONDS)
            for keeper in late:
                log.error("service did not stop in time", service=keeper.get_name())
                keeper.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self.fatal is not None:
            raise self.fatal

    def start(
        self, stage: Stage, house: asyncio.Event
    ) -> tuple[asyncio.Event, list[asyncio.Task[None]]]:
        ending = asyncio.Event()
        return ending, [
            asyncio.create_task(self.keep(name, service, ending, house), name=name)
            for name, service in stage.items()
        ]

    async def keep(
        self, name: str, service: Service, stop: asyncio.Event, house: asyncio.Event
    ) -> None:
        """Run a service for as long as nobody asks it to stop, however often it breaks."""
        failures = 0
        while not stop.is_set():
            self.conditions[name] = Condition.RUNNING
            started = self.clock.monotonic()
            try:
                await service.run(stop)
                break
            except Fatal as error:
                log.error("nothing may go on", service=name, reason=str(error))
                self.fatal = error
                house.set()
                break
            except Exception as error:  # the boundary: whatever breaks one service stops no other
                tell(name, error)
                if self.clock.monotonic() - started > HEALTHY_SECONDS:
                    failures = 0
                failures += 1
                await self.pause(name, failures, error, stop)
        self.conditions[name] = Condition.STOPPED

    async def pause(self, name: str, failures: int, error: Exception, stop: asyncio.Event) -> None:
        """Wait before the next start, longer each time, and very long at the limit."""
        rests = failures > len(BACKOFF)
        seconds = REST_SECONDS if rests else BACKOFF[failures - 1]
        self.conditions[name] = Condition.RESTING if rests else Condition.WAITING
        note = f"{type(error).__name__}: {error}; started again after {seconds:g} s"
        try:
            await self.record(Recovered.RESTARTED, name, note)
        except Exception:  # the bus itself may be what is broken
            log.exception("a restart could not be recorded", service=name)
        await unless(stop, self.clock.sleep(seconds))


def tell(name: str, error: Exception) -> None:
    """A fault of the world, such as a full disk, needs no traceback; one of ours does."""
    if isinstance(error, HarnessError):
        log.error("service broke", service=name, reason=str(error))
    else:
        log.error("service broke", service=name, exc_info=error)
