"""Questions to the bus, also where there is no bus yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.bus.port import Outcome, Request, Result, State, Task
from harness.bus.reader import Reader
from harness.bus.schema import open_to_write
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.db.connection import DatabaseError
from harness.db.migrations import SchemaTooNew
from harness.errors import NotFound

HEAVY = ("sqlmodel", "sqlalchemy", "pydantic", "httpx", "structlog")


async def test_a_task_is_found_by_the_beginning_of_its_id(bus: SqliteBus, clock: FakeClock) -> None:
    first = await bus.request(Request("scout", "Look."))
    await clock.advance(3600)
    await bus.request(Request("scout", "Look."))

    assert await bus.get(first.id[:10]) == first
    assert await bus.get(first.id.lower()) == first


async def test_a_beginning_that_fits_two_tasks_names_both(bus: SqliteBus) -> None:
    first = await bus.request(Request("scout", "Look."))
    second = await bus.request(Request("scout", "Look."))

    with pytest.raises(NotFound, match=f"{first.id} and {second.id}"):
        await bus.get(first.id[:8])


@pytest.mark.parametrize("prefix", ["", "ZZZ", "%", "'"])
async def test_what_fits_no_task_is_not_found(bus: SqliteBus, prefix: str) -> None:
    await bus.request(Request("scout", "Look."))

    with pytest.raises(NotFound):
        await bus.get(prefix)


async def test_lists_are_newest_first_and_keep_to_every_filter(bus: SqliteBus) -> None:
    a = await bus.request(Request("scout", "a", job="daily"))
    b = await bus.request(Request("scout", "b"))
    c = await bus.request(Request("scribe", "c", job="daily", parent=a.id))

    def ids(tasks: list[Task]) -> list[str]:
        return [task.id for task in tasks]

    assert ids(bus.reader.tasks()) == [c.id, b.id, a.id]
    assert ids(bus.reader.tasks(limit=1)) == [c.id]
    assert ids(bus.reader.tasks(agent="scout")) == [b.id, a.id]
    assert ids(bus.reader.tasks(agent="scout", job="daily")) == [a.id]
    assert ids(bus.reader.tasks(parent=a.id, state=State.REQUEST)) == [c.id]
    assert ids(bus.reader.dead()) == []


async def test_counts_hold_every_state_of_every_lane(bus: SqliteBus) -> None:
    for agent in ("scout", "scout", "scout", "scribe"):
        await bus.request(Request(agent, "x"))
    task = await bus.claim("scout", cap=9, owner="s1")
    assert task is not None
    await bus.final(task, Outcome.DONE, Result())
    await bus.claim("scout", cap=9, owner="s1")

    counts = await bus.counts()

    assert counts["scout"] == {
        State.REQUEST: 1,
        State.CONFIRMED: 1,
        State.FINAL: 1,
        State.DEAD: 0,
    }
    assert counts["scribe"][State.REQUEST] == 1


async def test_the_log_can_be_followed(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "a"))
    seen = bus.reader.last_seq()
    second = await bus.request(Request("scout", "b"))

    assert [event.task for event in bus.reader.events_after(seen)] == [second.id]
    assert len(bus.reader.events_after(0, limit=1)) == 1


def test_a_home_in_which_nothing_was_asked_reads_as_empty(home: Home) -> None:
    with Reader(home.database) as reader:
        assert (reader.tasks(), reader.counts(), reader.last_seq()) == ([], {}, 0)

    assert not home.database.exists()


def test_a_reader_cannot_write(home: Home) -> None:
    open_to_write(home.database).close()

    with Reader(home.database) as reader, pytest.raises(DatabaseError, match="read-only"):
        reader._rows("INSERT INTO finals VALUES ('scout', 1)", {})


def test_a_database_of_a_newer_harness_is_not_read(home: Home) -> None:
    db = open_to_write(home.database)
    db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(SchemaTooNew, match="schema 99"):
        Reader(home.database)


def test_reading_needs_none_of_the_heavy_packages() -> None:
    program = f"import sys, harness.bus.reader; print([m for m in {HEAVY!r} if m in sys.modules])"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"


def test_what_is_no_database_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "harness.db"
    path.write_bytes(b"this is no database, and it is long enough to look at" * 20)

    with pytest.raises(DatabaseError, match="damaged"):
        Reader(path)
