"""The librarian: what a file says is found soon after it says it, and nothing breaks the house."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from watchdog.observers.api import BaseObserver

from harness.clock import FakeClock, SystemClock
from harness.config.home import Home
from harness.errors import Held
from harness.memory.search.index import Index, Synced
from harness.services.librarian import LOOK_SECONDS, Librarian

PATIENCE = 10.0  # seconds that the system may take to tell of a change


class Counted(Index):
    """Counts the looks; the first ones fail when told so."""

    def __init__(self, home: Home, *failures: Exception) -> None:
        super().__init__(home, SystemClock())
        self.looks = 0
        self.failures = list(failures)

    def sync(self, paths: Iterable[Path] | None = None) -> Synced:
        self.looks += 1
        if self.failures:
            raise self.failures.pop(0)
        return super().sync(paths)


@asynccontextmanager
async def running(librarian: Librarian) -> AsyncIterator[None]:
    stop = asyncio.Event()
    service = asyncio.create_task(librarian.run(stop))
    try:
        yield
    finally:
        stop.set()
        await service
        librarian.index.close()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def until(holds: Callable[[], bool]) -> float:
    """Seconds until that is so."""
    begun = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


def finds(index: Index, word: str) -> Callable[[], bool]:
    return lambda: bool(index.search(word))


async def test_what_is_there_at_the_start_is_taken_up(home: Home) -> None:
    write(home.memory("scout") / "2026-01-01.md", "- the zebra is awake\n")
    index = Index(home, SystemClock())

    async with running(Librarian(home, index, SystemClock())):
        await until(finds(index, "zebra"))


async def test_an_edit_is_found_long_before_the_time_to_look(home: Home) -> None:
    path = home.memory("scout") / "2026-01-01.md"
    write(path, "- the zebra is awake\n")
    index = Counted(home)

    async with running(Librarian(home, index, SystemClock())):
        await until(finds(index, "zebra"))
        await until(lambda: index.looks > 0)
        with path.open("a") as file:
            file.write("- the lynx sleeps\n")
        took = await until(finds(index, "lynx"))
        path.unlink()
        await until(lambda: not finds(index, "lynx")())

    assert took < LOOK_SECONDS / 10


@pytest.mark.parametrize(
    "name",
    [
        "memory/late/2026-01-01.md",
        "memory/late/.learnings/LEARNINGS.md",
        "shared-context/THESIS.md",
        "skills/late/SKILL.md",
        "agents/scout/skills/late/SKILL.md",
    ],
)
async def test_a_folder_that_appears_later_is_followed(home: Home, name: str) -> None:
    index = Counted(home)
    async with running(Librarian(home, index, SystemClock())):
        await until(lambda: index.looks > 0)
        write(home.root / name, "## [LRN-20260101-001] insight\n\nThe zebra is awake.\n")
        await until(finds(index, "zebra"))
        write(home.root / name, "## [LRN-20260101-001] insight\n\nThe lynx sleeps.\n")

        assert await until(finds(index, "lynx")) < LOOK_SECONDS / 10


async def test_a_burst_of_changes_is_a_few_looks(home: Home) -> None:
    index = Counted(home)
    write(home.memory("scout") / "2026-01-01.md", "- begun\n")
    async with running(Librarian(home, index, SystemClock())):
        await until(finds(index, "begun"))
        for number in range(200):
            write(home.memory("scout") / f"note-{number}.md", f"- animal number{number}\n")
        await until(finds(index, "number199"))

    assert index.looks < 40


async def test_a_look_that_fails_is_told_once_and_made_again(home: Home, clock: FakeClock) -> None:
    full = OSError(28, "No space left on device", str(home.index))
    index = Counted(home, full, full, Held("memory.db is locked"))
    librarian = Librarian(home, index, clock)
    write(home.memory("scout") / "2026-01-01.md", "- the zebra is awake\n")

    with capture_logs() as logs:
        for _ in range(4):
            await librarian.look()

    told = [line["reason"] for line in logs if line["log_level"] == "error"]
    assert told == [f"{home.index}: No space left on device", "memory.db is locked"]
    assert librarian.trouble is None
    assert index.search("zebra")


async def test_where_nobody_tells_of_changes_the_files_are_looked_at(
    home: Home, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(observer: BaseObserver) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "start", refuse)
    index = Counted(home)
    async with running(Librarian(home, index, clock)):
        await until(lambda: index.looks > 0)
        write(home.memory("scout") / "2026-01-01.md", "- the zebra is awake\n")
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(finds(index, "zebra")):
                await clock.advance(LOOK_SECONDS)
                await asyncio.sleep(0.02)


async def test_an_index_that_somebody_removes_is_made_again(home: Home) -> None:
    path = home.memory("scout") / "2026-01-01.md"
    write(path, "- the zebra is awake\n")
    index = Counted(home)
    async with running(Librarian(home, index, SystemClock())):
        await until(finds(index, "zebra"))
        home.index.unlink()
        write(path, "- the zebra is awake\n- the lynx sleeps\n")

        await until(finds(index, "lynx"))
