"""The reloader: one reading for each change, by whichever way it is told, and none lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from watchdog.observers.api import BaseObserver

from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import Held
from harness.services.reloader import DEBOUNCE_SECONDS, LOOK_SECONDS, Reloader

PATIENCE = 10.0  # seconds that the system may take to tell of a change
SCHEDULE = "jobs: {}  # edited\n"


class Readings:
    """Counts how often the files were read; the first ones fail when told so."""

    def __init__(self, *failures: Exception) -> None:
        self.count = 0
        self.at_once = 0
        self.failures = list(failures)

    async def __call__(self) -> None:
        self.at_once += 1
        assert self.at_once == 1, "two readings at a time"
        await asyncio.sleep(0)
        self.at_once -= 1
        if self.failures:
            raise self.failures.pop(0)
        self.count += 1


@asynccontextmanager
async def running(reloader: Reloader) -> AsyncIterator[None]:
    stop = asyncio.Event()
    service = asyncio.create_task(reloader.run(stop))
    try:
        yield
    finally:
        stop.set()
        await service


async def until(readings: Readings, count: int, clock: FakeClock, step: float) -> None:
    async with asyncio.timeout(PATIENCE):
        while readings.count < count:
            await clock.advance(step)
            await asyncio.sleep(0.005)


async def test_a_reading_that_failed_is_tried_again_at_the_next_look(
    home: Home, clock: FakeClock
) -> None:
    readings = Readings(Held("harness.db is locked"))
    reloader = Reloader(home, readings, clock)
    home.cron_file.write_text(SCHEDULE)

    await reloader.look()
    await reloader.look()
    await reloader.look()

    assert readings.count == 1


async def test_a_reading_that_broke_is_raised_and_tried_again(home: Home, clock: FakeClock) -> None:
    readings = Readings(ValueError("broken on purpose"))
    reloader = Reloader(home, readings, clock)
    home.cron_file.write_text(SCHEDULE)

    with pytest.raises(ValueError, match="on purpose"):
        await reloader.look()
    await reloader.look()

    assert readings.count == 1


async def test_a_ring_has_unchanged_files_read_again_even_while_they_are_read(
    home: Home, clock: FakeClock
) -> None:
    readings = Readings()
    reloader = Reloader(home, readings, clock)
    async with running(reloader):
        reloader.ring()
        await until(readings, 1, clock, DEBOUNCE_SECONDS)
        for _ in range(3):  # while the one before may be under way
            reloader.ring()
            await asyncio.sleep(0)
        await until(readings, 2, clock, DEBOUNCE_SECONDS)


async def test_a_saved_file_is_read_before_the_time_to_look(home: Home, clock: FakeClock) -> None:
    readings = Readings()
    async with running(Reloader(home, readings, clock)):
        await rewritten_until_read(home.cron_file, readings, clock)

    assert clock.monotonic() < LOOK_SECONDS


async def test_a_linked_file_is_read_when_what_it_leads_to_is_saved(
    home: Home, clock: FakeClock, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "schedule.yaml"
    elsewhere.parent.mkdir()
    home.cron_file.rename(elsewhere)
    home.cron_file.symlink_to(elsewhere)
    readings = Readings()
    async with running(Reloader(home, readings, clock)):
        await rewritten_until_read(elsewhere, readings, clock)

    assert clock.monotonic() < LOOK_SECONDS


async def test_a_folder_that_comes_back_is_watched_again(home: Home, clock: FakeClock) -> None:
    readings = Readings()
    async with running(Reloader(home, readings, clock)):
        home.agents.rename(home.root / "away")
        for _ in range(3):
            await clock.advance(LOOK_SECONDS)
            await asyncio.sleep(0.05)
        home.agents.mkdir()
        for _ in range(3):
            await clock.advance(LOOK_SECONDS)
            await asyncio.sleep(0.05)
        before = clock.monotonic()
        await rewritten_until_read(home.agents / "scout.md", readings, clock)

        assert clock.monotonic() - before < LOOK_SECONDS


async def test_where_the_system_has_no_watches_left_the_files_are_looked_at(
    home: Home, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(observer: BaseObserver) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "start", refuse)
    readings = Readings()
    async with running(Reloader(home, readings, clock)):
        home.cron_file.write_text(SCHEDULE)
        await until(readings, 1, clock, LOOK_SECONDS)


async def rewritten_until_read(path: Path, readings: Readings, clock: FakeClock) -> None:
    """Save a file until a reading follows: the watch may begin after the first time."""
    goal = readings.count + 1
    async with asyncio.timeout(PATIENCE):
        while readings.count < goal:
            path.write_text(path.read_text() + "#\n" if path.exists() else "#\n")
            await asyncio.sleep(0.05)
            await clock.advance(DEBOUNCE_SECONDS)
