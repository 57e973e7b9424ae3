"""Writes the ledger, behind the back of the calls: none waits for the disk, or fails with it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path

from harness.clock import Clock
from harness.db.connection import explained
from harness.db.writer import Writer
from harness.errors import HarnessError
from harness.ids import Ids
from harness.models.ledger import rows
from harness.models.ledger.call import Call, ModelLoad
from harness.models.ledger.retention import fold
from harness.models.ledger.schema import (
    READ_MILLISECONDS,
    Opened,
    is_damage,
    open_or_begin_anew,
    open_to_read,
)
from harness.models.ledger.sums import spent_on
from harness.models.limits.amount import Amount

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05  # what comes in this time is written together
AGAIN_SECONDS = 5.0  # until a write that failed is tried again
TOLD_SECONDS = 600.0  # between two lines of the log about the same trouble
MOST = 5_000  # entries that wait for a disk; past them the oldest is dropped


class TakenAway(HarnessError):
    """The file that is open no longer lies at its place: what is written there, nobody reads."""


class Ledger:
    """One row for each call, in a file of its own.

    `note` may be called again and again for one call: the last word holds. What cannot be
    written waits in memory and is tried again. All but `day` belong to the loop's thread.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Nothing is opened before the first note, or `open`."""
        self.path = path
        self.clock = clock
        self.ids = Ids(clock)
        self.run = self.ids()
        self.trouble: str | None = None  # why nothing can be written just now
        self.dropped = 0  # entries that nobody will read
        self._waiting: dict[str, Call | ModelLoad] = {}  # by id
        self._writer: Writer | None = None
        self._opening = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._told = float("-inf")
        self._identity: tuple[int, int] | None = None  # of the file that is open

    async def open(self) -> None:
        """Make it ready; calls that a process before this one left open are lost from now on."""
        if await self._ready() is None:
            self._tell()

    def note(self, entry: Call | ModelLoad) -> None:
        """Write down what is known of a call or load now. Never waits and never fails."""
        self._waiting[entry.id] = entry
        while len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
            self.dropped += 1
        self._soon()

    def day(self, day: date, zone: tzinfo) -> Mapping[str, Amount]:
        """What each agent spent on a day of the zone, as far as it is written. Calls under way and
        lost ones count with what was estimated of them. Raises HarnessError."""
        with explained(self.path), closing(open_to_read(self.path)) as db:
            db.execute(f"PRAGMA busy_timeout = {READ_MILLISECONDS}")
            return spent_on(db, day, zone)

    async def tidy(self, now: datetime, zone: tzinfo) -> int:
        """Sum up the days that are older than rows are kept; how many rows went. Never fails."""
        writer = await self._ready()
        if writer is None:
            return 0
        try:
            return await writer.run(partial(fold, now=now, zone=zone))
        except HarnessError as error:
            self._failed(error)
            return 0

    async def aclose(self) -> None:
        """Write what still waits, if it can be written."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await self._writing
        await self._write()
        if self._waiting:
            log.error("%d entries of %s are lost: %s", len(self._waiting), self.path, self.trouble)
            self._waiting.clear()
        await self._leave()

    def _soon(self) -> None:
        """Write in a moment, together with what comes until then."""
        if self._waiting and self._timer is None and self._writing is None:
            seconds = AGAIN_SECONDS if self.trouble else GATHER_SECONDS
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())
        self._writing.add_done_callback(self._written)

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._writing = None
        if not writing.cancelled():
            self._soon()

    async def _write(self) -> None:
        """Write all that waits in one transaction; when it fails, it waits on."""
        batch = dict(self._waiting)
        if not batch:
            return
        writer = await self._ready()
        if writer is None:
            self._tell()
            return
        try:
            self._lacks(await writer.run(partial(self._keep, batch.values())))
        except HarnessError as error:
            self._failed(error)
            if is_damage(error) or isinstance(error, TakenAway):
                await self._leave()
            return
        self.trouble = None
        for each, entry in batch.items():
            if self._waiting.get(each) is entry:
                del self._waiting[each]

    async def _ready(self) -> Writer | None:
        """The writer; None when the file cannot be opened now."""
        async with self._opening:
            if self._writer is None:
                try:
                    opened, lost = await asyncio.to_thread(self._open)
                except (HarnessError, OSError) as error:
                    self.trouble = str(error)
                    return None
                self._say(opened, lost)
                self._writer = Writer(opened.db, self.path)
            return self._writer

    def _open(self) -> tuple[Opened, int]:
        opened = open_or_begin_anew(self.path)
        self._identity = identity(self.path)
        try:
            with explained(self.path):
                return opened, rows.lose(opened.db, self.run)
        except BaseException:
            opened.db.close()
            raise

    def _keep(self, entries: Iterable[Call | ModelLoad], db: sqlite3.Connection) -> int:
        if identity(self.path) != self._identity:
            raise TakenAway(f"{self.path} was removed or replaced, it is begun anew")
        return rows.keep(db, entries)

    def _say(self, opened: Opened, lost: int) -> None:
        if opened.aside is not None:
            told = "%s was damaged and is begun anew; the old one was put aside as %s"
            log.error(told, self.path, opened.aside.name)
        if lost:
            log.warning("%d model calls were lost with the process that made them", lost)

    async def _leave(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.aclose()

    def _lacks(self, entries: int) -> None:
        self.dropped += entries
        if entries:
            log.error("%d entries of %s have numbers that no row can hold", entries, self.path)

    def _failed(self, error: HarnessError) -> None:
        self.trouble = str(error)
        self._tell()

    def _tell(self) -> None:
        now = self.clock.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            told = "the ledger cannot be written, calls go on: %s (%d entries were dropped)"
            log.error(told, self.trouble, self.dropped)


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class NoLedger:
    """Where nothing is written down."""

    run = ""

    def ids(self) -> str:
        return ""

    def note(self, entry: Call | ModelLoad) -> None:
        pass
