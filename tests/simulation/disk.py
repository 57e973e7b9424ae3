"""A bus on real SQLite whose writes may fail, be slow, or be the last thing a process does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from harness.bus.pulse import Pulse
from harness.bus.reader import Reader
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.db.connection import DatabaseError, explain, roll_back
from harness.errors import Held
from harness.ids import Ids

T = TypeVar("T")
Step = Callable[[sqlite3.Connection], T]


class Crash(BaseException):
    """The process is gone: nothing that runs in it may go on."""


class Disk:
    """`harness.db.writer.Writer` without its thread, so that one seed decides the order.

    `trouble` is the share of writes that do not go well; a third of those end the process,
    before or after the write is on the disk.
    """

    def __init__(self, path: Path, dice: Random, changed: Callable[[], None]) -> None:
        self.db = open_fast(path)
        self.path, self.dice, self.changed = path, dice, changed
        self.trouble = 0.0
        self.crashed = asyncio.Event()

    def run(
        self, step: Step[T], *, orphaned: Callable[[T], None] = lambda value: None
    ) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if self.crashed.is_set():
            refuse(answer, Crash())
        else:
            loop.call_later(self.pause(), self.write, step, answer, orphaned)
        return answer

    def pause(self) -> float:
        return self.dice.choice((0.0, 0.0, 0.001, 0.02, 2.0 if self.trouble else 0.0))

    def write(
        self, step: Step[T], answer: asyncio.Future[T], orphaned: Callable[[T], None]
    ) -> None:
        fate = self.dice.random() / self.trouble if self.trouble else 1.0
        if fate < 1 / 6:
            self.crash()
        if self.crashed.is_set():
            return refuse(answer, Crash())
        if 1 / 3 < fate < 1:
            error = DatabaseError("full") if fate < 2 / 3 else Held("locked")
            return refuse(answer, error)
        self.commit(step, answer, orphaned)
        if fate < 1 / 3:
            self.crash()
        return None

    def commit(
        self, step: Step[T], answer: asyncio.Future[T], orphaned: Callable[[T], None]
    ) -> None:
        before = self.db.total_changes
        self.db.execute("BEGIN IMMEDIATE")
        try:
            value = step(self.db)
            self.db.execute("COMMIT")
        except Exception as error:
            roll_back(self.db)
            known = explain(error, self.path) if isinstance(error, sqlite3.Error) else error
            return refuse(answer, known)
        if answer.cancelled():
            orphaned(value)
        else:
            answer.set_result(value)
        if self.db.total_changes != before:
            self.changed()
        return None

    def crash(self) -> None:
        """The power is gone."""
        self.crashed.set()

    async def aclose(self) -> None:
        self.db.close()


def refuse(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


def open_fast(path: Path) -> sqlite3.Connection:
    """A simulated crash ends a process and no machine: nothing needs to wait for the disk."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA foreign_keys = ON")
    return db


class NoBell:
    """Nobody rings in a simulation: what other processes write is found by looking."""

    path = Path()

    def close(self) -> None:
        """There is nothing to close."""


def open_bus(path: Path, clock: Clock, ids: Ids, dice: Random) -> tuple[SqliteBus, Disk]:
    """A bus on the migrated database at `path`, and the disk beneath it."""
    pulse = Pulse(clock)
    disk = Disk(path, dice, pulse.beat)
    bus = SqliteBus(clock, ids, disk, Reader(path), pulse, NoBell())  # type: ignore[arg-type]
    return bus, disk
