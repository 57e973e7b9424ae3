"""The librarian: keeps the index of what the crew knows in step with its files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import structlog

from harness.clock import Clock
from harness.config.home import Home
from harness.errors import HarnessError, explained
from harness.memory.search.index import Index
from harness.services.attention import Attention

log = structlog.get_logger("librarian")

DEBOUNCE_SECONDS = 0.1  # a burst of changes is looked at once; all within a second of the first
LOOK_SECONDS = 60.0  # some file systems tell nobody of a change


class Librarian:
    """Has `index` look at the files once it starts, and again soon after each change of them.

    A look that fails is told once and made again; what is asked of the index meanwhile finds what
    it knew before. Nothing of it reaches the other services.
    """

    def __init__(self, home: Home, index: Index, clock: Clock) -> None:
        self.index = index
        self.attention = Attention(
            lambda: dict(watched_folders(home)), clock, DEBOUNCE_SECONDS, LOOK_SECONDS
        )
        self.trouble: str | None = None  # why the last look failed

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        await self.attention.pay(self.look, stop)

    async def look(self) -> None:
        """Have the index take up what has changed."""
        try:
            found = await asyncio.to_thread(self.index.sync)
        except HarnessError as error:
            self.tell(error)
        except OSError as error:
            self.tell(explained(error))
        else:
            self.trouble = None
            if found.files:
                log.info("memory indexed", files=found.files, units=found.units)

    def tell(self, error: HarnessError) -> None:
        if str(error) != self.trouble:
            log.error("memory cannot be indexed", reason=str(error), hint=error.hint)
        self.trouble = str(error)


def watched_folders(home: Home) -> Iterator[tuple[Path, bool]]:
    """Where changes of what is indexed are told, and whether for all below."""
    yield home.root.resolve(), False  # a folder that is missing now may come
    for folder in (home.root / "memory", home.shared_context, home.skills, home.agents):
        if folder.is_dir():
            yield folder.resolve(), True
