"""Looking at folders again: soon after each change in them, and now and then in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.clock import Clock
from harness.services.folder_watch import FolderWatch
from harness.services.waiting import unless


@dataclass
class Attention:
    """When it is time for the next look. Some file systems tell nobody of a change."""

    folders: Callable[[], Mapping[Path, bool]]  # to watch, each with all below it or alone
    clock: Clock
    debounce: float  # seconds from the first change of a burst to the look
    every: float  # seconds without a word
    touched: asyncio.Event = field(default_factory=asyncio.Event)

    async def pay(self, look: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Look at once, and again each time, until asked to stop; never twice at a time."""
        loop = asyncio.get_running_loop()
        watch = FolderWatch(lambda: loop.call_soon_threadsafe(self.touched.set))
        try:
            while not stop.is_set():
                await asyncio.to_thread(lambda: watch.follow(self.folders()))
                self.touched.clear()
                await look()
                await unless(stop, self.called())
        finally:
            await asyncio.to_thread(watch.close)

    async def called(self) -> None:
        """Return when something was touched, after the burst, or when it is time."""
        await unless(self.touched, self.clock.sleep(self.every))
        if self.touched.is_set():
            await self.clock.sleep(self.debounce)
