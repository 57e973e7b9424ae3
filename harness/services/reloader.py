"""The reloader: reads the files of the home again when a person has changed them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import structlog

from harness.clock import Clock
from harness.config.home import Home
from harness.config.skills import skill_files
from harness.errors import HarnessError
from harness.services.attention import Attention

log = structlog.get_logger("reloader")

DEBOUNCE_SECONDS = 0.3  # editors write by rename, in several events
LOOK_SECONDS = 30.0  # some file systems tell nobody of a change


class Reloader:
    """Calls `reload` once for each change of what people edit, never twice at a time."""

    def __init__(self, home: Home, reload: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self.home = home
        self.reload = reload
        self.attention = Attention(
            lambda: watched_folders(home), clock, DEBOUNCE_SECONDS, LOOK_SECONDS
        )
        self.seen: str | None = fingerprint(home)  # None: whatever is there is news

    def ring(self) -> None:
        """Have the files read again soon, whether or not they have changed."""
        self.seen = None
        self.attention.touched.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        await self.attention.pay(self.look, stop)

    async def look(self) -> None:
        """Reload if what the files hold differs from what was last taken up."""
        now = await asyncio.to_thread(fingerprint, self.home)
        if now == self.seen:
            return
        self.seen = now  # first: a ring in the meantime counts
        try:
            await self.reload()
        except HarnessError as error:
            self.seen = None
            log.error("the files cannot be taken up yet", reason=str(error))
        except Exception:
            self.seen = None
            raise


def fingerprint(home: Home) -> str:
    """A hash of everything that takes effect by a reload."""
    digest = hashlib.sha256()
    for path in edited_files(home):
        digest.update(f"{path}\0".encode())
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            digest.update(str(error.errno).encode())
    return digest.hexdigest()


def edited_files(home: Home) -> Iterator[Path]:
    yield home.cron_file
    yield home.settings_file
    yield from sorted(home.agents.glob("*.md"))
    yield from sorted(home.agents.glob("*/SOUL.md"))
    yield from sorted(home.agents.glob("*/sources.yaml"))
    yield from skill_files(home)


def watched_folders(home: Home) -> dict[Path, bool]:
    """Where changes of those files are told, and whether for all below; links are followed."""
    below = {folder.resolve() for folder in (home.agents, home.skills) if folder.is_dir()}
    own = {path.resolve().parent for path in edited_files(home)}
    alone = {folder for folder in own if folder.is_dir() and below.isdisjoint(with_parents(folder))}
    return {home.root.resolve(): False} | dict.fromkeys(alone, False) | dict.fromkeys(below, True)


def with_parents(folder: Path) -> tuple[Path, ...]:
    return (folder, *folder.parents)
