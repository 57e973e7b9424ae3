"""The heart: what stands still, jumps, or is taken away is noticed at the next beat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from harness.bus.port import Recovered
from harness.clock import FakeClock, SystemClock, settle
from harness.errors import Fatal
from harness.services import heart as module
from harness.services.heart import BEAT_SECONDS, JUMP, STALL_SECONDS, Heart


class Lock:
    """A hold of a home."""

    def __init__(self) -> None:
        self.beats = 0

    def intact(self) -> bool:
        return True

    def beat(self) -> None:
        self.beats += 1

    def tell(self, **facts: object) -> None:
        """What is told is another test's."""


class Book:
    """Remembers what was recorded."""

    def __init__(self) -> None:
        self.lines: list[tuple[Recovered, str]] = []

    async def __call__(self, kind: Recovered, subject: str, note: str) -> None:
        self.lines.append((kind, note))


@pytest.fixture
def lock() -> Lock:
    return Lock()


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def beating(lock: Lock, book: Book, clock: FakeClock) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    running = asyncio.create_task(Heart(lock, book, clock).run(stop))
    await settle()
    yield running
    stop.set()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.usefixtures("beating")
async def test_every_beat_shows_that_we_live(lock: Lock, book: Book, clock: FakeClock) -> None:
    await clock.advance(10 * BEAT_SECONDS)

    assert lock.beats == 10
    assert book.lines == []


@pytest.mark.parametrize("jump", [JUMP, -JUMP, timedelta(hours=9)])
@pytest.mark.usefixtures("beating")
async def test_a_wall_clock_that_jumps_is_recorded_once(
    book: Book, clock: FakeClock, jump: timedelta
) -> None:
    clock.shift(jump)
    await clock.advance(3 * BEAT_SECONDS)

    way = "ahead" if jump > timedelta(0) else "back"
    assert book.lines == [(Recovered.CLOCK, f"went {way} by {abs(jump)}")]


async def test_a_check_that_says_so_ends_it(lock: Lock, book: Book, clock: FakeClock) -> None:
    def check() -> None:
        raise Fatal("the home is gone")

    beating = asyncio.create_task(Heart(lock, book, clock, check=check).run(asyncio.Event()))
    await settle()
    await clock.advance(BEAT_SECONDS)

    with pytest.raises(Fatal, match="the home is gone"):
        await beating
    assert lock.beats == 0


async def test_a_beat_that_comes_late_is_recorded(lock: Lock, book: Book, clock: FakeClock) -> None:
    heart = Heart(lock, book, clock)

    await heart.beat(BEAT_SECONDS + STALL_SECONDS, timedelta(0))
    await heart.beat(BEAT_SECONDS, timedelta(0))

    assert [kind for kind, _ in book.lines] == [Recovered.STALLED]
    assert heart.lag == 0


async def test_what_blocks_the_loop_is_written_down_while_it_blocks(
    lock: Lock, book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(
        Heart(lock, book, SystemClock(), tmp_path / "logs" / "stalls.log").run(stop)
    )
    await settle()

    block_the_loop(tmp_path / "logs" / "stalls.log")

    stop.set()
    await running
    assert "block_the_loop" in (tmp_path / "logs" / "stalls.log").read_text()


def block_the_loop(stacks: Path) -> None:
    """Hold the event loop until its own stack is there; at most 5 s. They come line by line."""
    until = time.monotonic() + 5
    while "block_the_loop" not in stacks.read_text() and time.monotonic() < until:
        time.sleep(0.01)
