"""The lookout: which model would answer now, told whenever that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from harness.clock import Clock
from harness.models.chain import FallbackModel
from harness.services.waiting import unless

log = structlog.get_logger("lookout")

LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Outlook:
    """What an agent that names no model can hope for."""

    model: str  # what would answer
    wanted: str  # the first of its chain
    trouble: str | None  # why the first cannot be used


class Lookout:
    """Looks every half minute."""

    def __init__(
        self,
        chain: Callable[[], FallbackModel],
        tell: Callable[[Outlook], None],
        clock: Clock,
    ) -> None:
        self.chain = chain
        self.tell = tell
        self.clock = clock
        self.told: Outlook | None = None
        self.away = False  # whether the model that is wanted could not be used at the last look

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        while not stop.is_set():
            await self.look()
            await unless(stop, self.clock.sleep(LOOK_SECONDS))

    async def look(self) -> Outlook:
        """The outlook now, told if it is news. A model that was away and is back has rested
        long enough; one that was there all the time failed for another reason, and rests on."""
        chain = self.chain()
        wanted = chain.links[0]
        trouble = await wanted.model.probe()
        if self.away and trouble is None:
            wanted.rest.looks_well()
        self.away = trouble is not None
        now = await outlook(chain, trouble)
        if now != self.told:
            self.tell(now)
            if self.told is not None:
                why = {} if now.trouble is None else {"instead": now.wanted, "reason": now.trouble}
                log.info("another model answers", model=now.model, **why)
            self.told = now
        return now


async def outlook(chain: FallbackModel, trouble: str | None) -> Outlook:
    """What would answer, where the first of the chain has that trouble; asks the other models'
    servers, and changes nothing in the chain."""
    wanted, *others = chain.models
    if trouble is None:
        resting = chain.name != wanted.name
        return Outlook(chain.name, wanted.name, failure(chain) if resting else None)
    for other in others:
        if await other.probe() is None:
            return Outlook(other.name, wanted.name, trouble)
    return Outlook(wanted.name, wanted.name, trouble)


def failure(chain: FallbackModel) -> str:
    """Why the first of a chain rests, though its server is there."""
    error = chain.links[0].rest.error
    return "it failed a moment ago" if error is None else f"it failed a moment ago: {error}"
