"""The heart: beats once a second, and notices what stands still, jumps, or is taken away."""

from __future__ import annotations

import asyncio
import faulthandler
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TextIO

import structlog

from harness.bus.port import Recovered
from harness.clock import Clock
from harness.files import PRIVATE_FILE, make_folder
from harness.services.waiting import unless

log = structlog.get_logger("heart")

BEAT_SECONDS = 1.0
STALL_SECONDS = 5.0  # a beat that comes so late is worth a word
JUMP = timedelta(seconds=30)  # between two beats, of the wall clock against the steady one

Record = Callable[[Recovered, str, str], Awaitable[None]]


class Hold(Protocol):
    """The daemon's hold of its home."""

    def intact(self) -> bool:
        """Whether the home is still ours."""
        ...

    def beat(self) -> None:
        """Show others that we live."""
        ...

    def tell(self, **facts: Any) -> None:
        """Show others these facts of us instead of those before."""
        ...


class Heart:
    """`lag` is how late the last beat came, in seconds: how long the event loop was busy.

    When a beat is overdue, the stacks of all threads are appended to the file `stacks` from
    outside the loop: they show what it was busy with.
    """

    def __init__(
        self,
        hold: Hold,
        record: Record,
        clock: Clock,
        stacks: Path | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is made at each beat, and raises Fatal when the house must not go on."""
        self.hold = hold
        self.record = record
        self.clock = clock
        self.check = check
        self.stacks = stacks
        self.lag = 0.0
        self.beaten = clock.monotonic()  # when it beat last

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until asked to stop. Raises Fatal when the home is no longer ours."""
        with opened(self.stacks) as stacks:
            try:
                await self.go_on(stop, stacks)
            finally:
                faulthandler.cancel_dump_traceback_later()

    async def go_on(self, stop: asyncio.Event, stacks: TextIO | None) -> None:
        while not stop.is_set():
            if stacks is not None:
                faulthandler.dump_traceback_later(STALL_SECONDS, file=stacks)
            wall, steady = self.clock.now(), self.clock.monotonic()
            await unless(stop, self.clock.sleep(BEAT_SECONDS))
            passed = self.clock.monotonic() - steady
            if not stop.is_set():
                await self.beat(passed, self.clock.now() - wall - timedelta(seconds=passed))

    async def beat(self, passed: float, jump: timedelta) -> None:
        self.check()
        self.hold.beat()
        self.beaten = self.clock.monotonic()
        self.lag = max(passed - BEAT_SECONDS, 0.0)
        if self.lag >= STALL_SECONDS:
            await self.tell(
                Recovered.STALLED,
                "event loop",
                f"nothing went on for {self.lag:.1f} s: blocked, stopped, or out of memory",
            )
        if abs(jump) >= JUMP:
            way = "ahead" if jump > timedelta(0) else "back"
            seconds = timedelta(seconds=round(abs(jump).total_seconds()))
            await self.tell(Recovered.CLOCK, "clock", f"went {way} by {seconds}")

    async def tell(self, kind: Recovered, subject: str, note: str) -> None:
        log.warning(str(kind), subject=subject, note=note)
        await self.record(kind, subject, note)


@contextmanager
def opened(file: Path | None) -> Iterator[TextIO | None]:
    """The file to append to, for the owner's eyes only; None without one."""
    if file is None:
        yield None
        return
    make_folder(file.parent)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    with os.fdopen(handle, "a", encoding="utf-8") as stacks:
        yield stacks
