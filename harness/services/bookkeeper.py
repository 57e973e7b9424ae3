"""The bookkeeper: once a day, old rows of the ledger become sums."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import tzinfo

import structlog

from harness.clock import Clock
from harness.models.ledger.ledger import Ledger
from harness.services.waiting import unless

log = structlog.get_logger("bookkeeper")

DAY_SECONDS = 86_400.0


class Bookkeeper:
    """Keeps the ledger from growing without end."""

    def __init__(self, ledger: Ledger, zone: Callable[[], tzinfo], clock: Clock) -> None:
        self.ledger = ledger
        self.zone = zone
        self.clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop: at the start, and then every day."""
        while not stop.is_set():
            rows = await self.ledger.tidy(self.clock.now(), self.zone())
            if rows:
                log.info("old calls of models were summed up", rows=rows)
            await unless(stop, self.clock.sleep(DAY_SECONDS))
