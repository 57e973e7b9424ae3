"""The writer: one thread, common commits, and errors that reach only their step."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from harness.db.connection import DatabaseError, connect
from harness.db.writer import Writer
from harness.errors import HarnessError, Held


@pytest.fixture
def path(tmp_path: Path) -> Path:
    db = connect(tmp_path / "harness.db")
    db.execute("CREATE TABLE t (a)")
    db.close()
    return tmp_path / "harness.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    writer = Writer(connect(path), path)
    yield writer
    await writer.aclose()


def put(value: int) -> Callable[[sqlite3.Connection], int]:
    def step(db: sqlite3.Connection) -> int:
        db.execute("INSERT INTO t VALUES (?)", (value,))
        return value

    return step


def broken(db: sqlite3.Connection) -> None:
    put(-1)(db)
    raise ZeroDivisionError("this step alone")


def held_until(go: threading.Event) -> Callable[[sqlite3.Connection], None]:
    """A step behind which others queue up."""

    def step(db: sqlite3.Connection) -> None:
        go.wait(5)

    return step


def kept(path: Path) -> list[int]:
    db = sqlite3.connect(path)
    values = [value for (value,) in db.execute("SELECT a FROM t ORDER BY a")]
    db.close()
    return values


async def in_one_batch(
    writer: Writer, *steps: Callable[[sqlite3.Connection], object]
) -> list[object]:
    go = threading.Event()
    first = writer.run(held_until(go))
    rest = [writer.run(step) for step in steps]
    go.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_a_step_is_on_disk_when_its_value_comes_back(writer: Writer, path: Path) -> None:
    assert await writer.run(put(1)) == 1

    assert kept(path) == [1]


async def test_what_queues_up_is_committed_together(path: Path) -> None:
    commits: list[int] = []
    writer = Writer(connect(path), path, committed=lambda: commits.append(len(kept(path))))

    await in_one_batch(writer, *(put(n) for n in range(10)))
    await writer.aclose()

    assert commits == [10]


async def test_a_step_that_raises_takes_back_only_itself(writer: Writer, path: Path) -> None:
    first, error, last = await in_one_batch(writer, put(1), broken, put(2))

    assert (first, last) == (1, 2)
    assert isinstance(error, ZeroDivisionError)
    assert kept(path) == [1, 2]


async def test_a_lone_step_that_raises_is_taken_back(writer: Writer, path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        await writer.run(broken)

    assert kept(path) == []


async def test_a_full_disk_reaches_the_step_that_needs_the_room(path: Path) -> None:
    db = connect(path)
    db.execute("PRAGMA max_page_count = 4")
    writer = Writer(db, path)

    def huge(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")

    first, error, last = await in_one_batch(writer, put(1), huge, put(2))
    after = await writer.run(put(3))
    await writer.aclose()

    assert (first, last, after) == (1, 2, 3)
    assert isinstance(error, DatabaseError)
    assert "the disk is full" in str(error)
    assert kept(path) == [1, 2, 3]


async def test_a_lock_of_another_process_is_told_and_survived(path: Path) -> None:
    db, other = connect(path), connect(path)
    db.execute("PRAGMA busy_timeout = 1")
    writer = Writer(db, path)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Held):
        await writer.run(put(1))
    errors = await asyncio.gather(*(writer.run(put(n)) for n in (2, 3)), return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()

    assert all(isinstance(error, Held) for error in errors)
    assert await writer.run(put(4)) == 4
    await writer.aclose()
    assert kept(path) == [4]


async def test_a_database_turned_read_only_is_told(path: Path) -> None:
    db = connect(path)
    db.execute("PRAGMA query_only = ON")
    writer = Writer(db, path)

    with pytest.raises(DatabaseError, match="read-only"):
        await writer.run(put(1))

    await writer.aclose()


async def test_a_cancelled_caller_leaves_its_value_to_the_orphanage(
    writer: Writer, path: Path
) -> None:
    orphans: list[int] = []
    go = threading.Event()
    first = writer.run(held_until(go))
    left = writer.run(put(1), orphaned=orphans.append)

    left.cancel()
    go.set()
    await first
    await writer.run(put(2))

    assert orphans == [1]
    assert kept(path) == [1, 2]


async def test_closing_writes_what_still_waits(path: Path) -> None:
    writer = Writer(connect(path), path)
    waiting = [writer.run(put(n)) for n in range(5)]

    await writer.aclose()

    assert await asyncio.gather(*waiting) == [0, 1, 2, 3, 4]
    with pytest.raises(HarnessError, match="is closed"):
        writer.run(put(9))


async def test_a_step_that_changes_nothing_is_no_news(path: Path) -> None:
    news: list[str] = []
    writer = Writer(
        connect(path),
        path,
        changed=lambda: news.append("changed"),
        committed=lambda: news.append("committed"),
    )

    await writer.run(lambda db: db.execute("SELECT 1").fetchall())
    await writer.run(put(1))
    await writer.aclose()

    assert sorted(news) == ["changed", "committed"]


async def test_an_error_in_spreading_the_news_stops_nobody(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise OSError("no bells")

    writer = Writer(connect(path), path, committed=fails)

    assert [await writer.run(put(n)) for n in range(3)] == [0, 1, 2]

    await writer.aclose()
    assert "did not go out" in caplog.text


async def test_what_another_process_wrote_is_noticed_without_a_bell(path: Path) -> None:
    changed = asyncio.Event()
    writer = Writer(connect(path), path, changed=changed.set)
    other = connect(path)

    other.execute("INSERT INTO t VALUES (1)")

    await asyncio.wait_for(changed.wait(), 5)
    other.close()
    await writer.aclose()


class Failing:
    """A connection on a disk that fails: no transaction can be ended any more."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.failing = False

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self.failing and statement in {"COMMIT", "ROLLBACK"}:
            raise sqlite3.OperationalError("disk I/O error")
        return self.db.execute(statement, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self.db, name)


async def test_a_transaction_that_cannot_be_ended_is_told_and_costs_only_the_connection(
    path: Path,
) -> None:
    failing = Failing(connect(path))
    writer = Writer(cast(sqlite3.Connection, failing), path)
    failing.failing = True

    with pytest.raises(DatabaseError, match="disk I/O error"):
        await asyncio.wait_for(writer.run(put(1)), 5)

    assert await asyncio.wait_for(writer.run(put(2)), 5) == 2
    await writer.aclose()
    assert sqlite3.connect(path).execute("SELECT a FROM t").fetchall() == [(2,)]
