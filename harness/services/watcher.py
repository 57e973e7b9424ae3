"""The watcher: takes back what nobody holds any more, ends what came too late or reaches
nobody, and says when something fails again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from harness.bus.port import Incident, State, Task
from harness.clock import Clock
from harness.services.waiting import unless

log = structlog.get_logger("watcher")

SWEEP_SECONDS = 5.0
UNSERVED = timedelta(minutes=10)  # how long a request may wait for an agent that is not there


class Watched(Protocol):
    """What the watcher needs of the bus."""

    async def sweep(self, spare: Collection[str] = ()) -> list[Task]: ...

    async def counts(self) -> dict[str, dict[State, int]]: ...

    async def bury(self, lane: str, *, before: datetime, note: str) -> list[Task]: ...

    async def review(self, deliver: Sequence[str]) -> list[Incident]: ...


@dataclass(frozen=True)
class Household:
    """What the watcher asks about the house, anew each time: files and sessions change."""

    served: Callable[[], Collection[str]]  # lanes: of whom a file names, in order or not, and ours
    at_work: Callable[[], Collection[str]]  # tasks whose sessions live in this process
    alert_to: Callable[[], Sequence[str]]  # channels


class Watcher:
    """Looks every few seconds."""

    def __init__(self, bus: Watched, household: Household, clock: Clock) -> None:
        self.bus = bus
        self.household = household
        self.clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.look()
            await unless(stop, self.clock.sleep(SWEEP_SECONDS))

    async def look(self) -> None:
        # a session that lives here keeps its task, although a suspend ate up its lease
        for task in await self.bus.sweep(self.household.at_work()):
            log.warning("task swept", task=task.id, agent=task.agent, state=str(task.state))
        await self.bury_the_unserved()
        for incident in await self.bus.review(self.household.alert_to()):
            log.error("alert", subject=incident.subject, failures=incident.failures)

    async def bury_the_unserved(self) -> None:
        """Requests to an agent that is gone become dead letters: nobody would ever know."""
        served = self.household.served()
        for lane, counts in (await self.bus.counts()).items():
            if lane in served or not counts[State.REQUEST]:
                continue
            note = f"there is no agent `{lane}`: make agents/{lane}/SOUL.md, then resend"
            before = self.clock.now() - UNSERVED
            for task in await self.bus.bury(lane, before=before, note=note):
                log.error("request to nobody", task=task.id, agent=task.agent)
