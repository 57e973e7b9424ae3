"""One thread that writes for everybody: what queues up meanwhile is committed together.

A durable commit costs a wait for the disk. Paying it once for a batch is what makes many
writers fast; each of them still gets its answer only when its own change is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.db.connection import connect, explain, roll_back
from harness.errors import HarnessError

T = TypeVar("T")
Step = Callable[[sqlite3.Connection], T]

LARGEST_BATCH = 256
TICK_SECONDS = 1.0  # how often an idle writer looks for what other processes committed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One step that waits to be written, and who waits for it."""

    step: Step[Any]
    answer: asyncio.Future[Any]
    orphaned: Callable[[Any], None]


@dataclass(frozen=True)
class Written:
    """How one step went: a value that is now durable, or why nothing of it was kept."""

    value: Any = None
    error: Exception | None = None


class Writer:
    """Runs steps in one writing thread, on one connection, in the order they came.

    `changed` is called in the event loop after each commit that changed something, here or
    in another process; `committed` in the writing thread after each of our own.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        *,
        changed: Callable[[], None] = lambda: None,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self.db, self.path = db, path
        self.changed, self.committed = changed, committed
        self._loop = asyncio.get_running_loop()
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._version = self._data_version()
        self._closed = False
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._serve, name=f"write {path.name}", daemon=True)
        self._thread.start()

    def run(
        self, step: Step[T], *, orphaned: Callable[[T], None] = lambda value: None
    ) -> asyncio.Future[T]:
        """Run `step` in a transaction; to be awaited: its value, once that is durable.

        Raises what the step raised, or a HarnessError when SQLite could not; nothing of the
        step is kept then, and the steps beside it are not touched. A step whose caller was
        cancelled is written all the same, and `orphaned` gets its value.
        """
        if self._closed:
            raise HarnessError(f"{self.path} is closed")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._entries.put(Entry(step, answer, orphaned))
        return answer

    async def aclose(self) -> None:
        """Write what still waits, then close the connection."""
        if self._closed:
            return
        with suppress(HarnessError):  # a database that is locked or read-only is closed as well
            await self.run(lambda db: None)  # orphans of what was queued ask for their writes now
        self._closed = True
        self._entries.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        open_for_more = True
        while open_for_more:
            batch, open_for_more = self._gather()
            if batch:
                self._write(batch)
            if self._others_wrote():
                self._tell(self.changed)
        self.db.close()

    def _gather(self) -> tuple[list[Entry], bool]:
        """Everything that waits, after a wait for the first; False once we are to close."""
        batch: list[Entry] = []
        try:
            entry = self._entries.get(timeout=TICK_SECONDS)
            while entry is not None:
                batch.append(entry)
                if len(batch) == LARGEST_BATCH:
                    return batch, True
                entry = self._entries.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _write(self, batch: list[Entry]) -> None:
        before = self.db.total_changes
        try:
            answers = together(self.db, [entry.step for entry in batch])
        except sqlite3.Error as error:  # not even taking back worked
            answers = [Written(error=error) for _ in batch]
            self._connect_again()
        told = [self._explained(written) for written in answers]
        changed = self.db.total_changes != before
        self._tell(lambda: self._answer(batch, told, changed))
        if changed:
            try:
                self.committed()
            except Exception:  # the boundary: what was written stays written, whatever this does
                log.exception("the word of a commit to %s did not go out", self.path)

    def _connect_again(self) -> None:
        """A connection whose transaction cannot be ended is of no more use."""
        with suppress(sqlite3.Error):
            self.db.close()
        try:
            self.db = connect(self.path)
        except HarnessError as error:  # the next write tries again
            log.error("%s cannot be opened again: %s", self.path, error)

    def _answer(self, batch: list[Entry], answers: list[Written], changed: bool) -> None:
        for entry, written in zip(batch, answers, strict=True):
            abandoned = entry.answer.cancelled()
            if written.error is not None:
                if not abandoned:
                    entry.answer.set_exception(written.error)
            elif abandoned:
                entry.orphaned(written.value)
            else:
                entry.answer.set_result(written.value)
        if changed:
            self.changed()

    def _tell(self, news: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(news)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.debug("the loop ended before %s was closed", self.path)

    def _explained(self, written: Written) -> Written:
        if isinstance(written.error, sqlite3.Error):
            error = explain(written.error, self.path)
            error.__cause__ = written.error
            return Written(error=error)
        return written

    def _others_wrote(self) -> bool:
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + TICK_SECONDS
        try:
            version = self._data_version()
        except sqlite3.Error:  # locked for long, or gone: the next write will say so
            return False
        changed = version != self._version
        self._version = version
        return changed

    def _data_version(self) -> int:
        """A number that changes when another connection commits."""
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])


def together(db: sqlite3.Connection, steps: list[Step[Any]]) -> list[Written]:
    """Run steps in one transaction, each in a savepoint of its own.

    When the transaction as a whole fails, every step gets one of its own instead: an error
    then reaches the step that caused it, and no other.
    """
    if len(steps) == 1:
        return [alone(db, steps[0])]
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:  # trying each alone would wait as long again for each
        return [Written(error=error) for _ in steps]
    try:
        answers = [in_savepoint(db, step) for step in steps]
        db.execute("COMMIT")
    except sqlite3.Error:
        roll_back(db)
        return [alone(db, step) for step in steps]
    return answers


def alone(db: sqlite3.Connection, step: Step[Any]) -> Written:
    try:
        db.execute("BEGIN IMMEDIATE")
        value = step(db)
        db.execute("COMMIT")
    except Exception as error:  # the boundary: it belongs to whoever waits for the step
        roll_back(db)
        return Written(error=error)
    return Written(value)


def in_savepoint(db: sqlite3.Connection, step: Step[Any]) -> Written:
    db.execute("SAVEPOINT step")
    try:
        value = step(db)
    except Exception as error:  # the boundary: it belongs to whoever waits for the step
        db.execute("ROLLBACK TO step")  # fails when SQLite took back the whole batch
        db.execute("RELEASE step")
        return Written(error=error)
    db.execute("RELEASE step")
    return Written(value)
