"""The reloader: reads the files of the home again when a person has changed them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from harness.clock import Clock
from harness.config.home import Home
from harness.config.skills import skill_files
from harness.services.waiting import unless

log = structlog.get_logger("reloader")

DEBOUNCE_SECONDS = 0.3  # editors write by rename, in several events
LOOK_SECONDS = 30.0  # some file systems tell nobody of a change


class Reloader:
    """Calls `reload` once for each change of what people edit."""

    def __init__(self, home: Home, reload: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self.home = home
        self.reload = reload
        self.clock = clock
        self.seen = fingerprint(home)

    async def run(self, stop: asyncio.Event) -> None:
        touched = asyncio.Event()
        loop = asyncio.get_running_loop()
        observer = Observer()
        bell = Bell(lambda: loop.call_soon_threadsafe(touched.set))
        observer.schedule(bell, str(self.home.root), recursive=False)
        for folder in filter(Path.is_dir, (self.home.agents, self.home.skills)):
            observer.schedule(bell, str(folder), recursive=True)
        observer.start()
        try:
            while not stop.is_set():
                await unless(stop, self.touched_or_time_to_look(touched))
                touched.clear()
                await self.look()
        finally:
            observer.stop()
            await asyncio.to_thread(observer.join)

    async def touched_or_time_to_look(self, touched: asyncio.Event) -> None:
        await unless(touched, self.clock.sleep(LOOK_SECONDS))
        if touched.is_set():
            await self.clock.sleep(DEBOUNCE_SECONDS)

    async def look(self) -> None:
        """Reload if what the files hold differs from what was last read."""
        now = await asyncio.to_thread(fingerprint, self.home)
        if now != self.seen:
            self.seen = now
            await self.reload()


class Bell(FileSystemEventHandler):
    """Rings on every change; only the fingerprint decides whether it matters."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in {"opened", "closed_no_write"}:
            self.ring()


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
