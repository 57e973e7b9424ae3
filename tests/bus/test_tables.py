"""The schema: what SQLModel believes, and that no question grows slow with the finals."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest

from harness.bus import conversation, handover, incidents, readdress, schedule, statements
from harness.bus.port import Stamp
from harness.bus.reader import COUNTS, OWED, TASKS, UNREAD
from harness.bus.schema import migrations
from harness.bus.tables import BusTable
from harness.db.reading import empty


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = empty(migrations())
    yield db
    db.close()


def test_the_tables_are_those_of_the_migrations(db: sqlite3.Connection) -> None:
    for table in BusTable.metadata.tables.values():
        declared = [
            (column.name, not column.nullable, column.primary_key) for column in table.columns
        ]
        info = db.execute(f"PRAGMA table_info({table.name})").fetchall()

        assert declared == [(name, bool(full), bool(key)) for _, name, _, full, _, key in info]


def test_no_table_of_the_migrations_is_unknown(db: sqlite3.Connection) -> None:
    names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()

    assert {name for (name,) in names} == set(BusTable.metadata.tables)


WRITING = {
    "claim": statements.claim(),
    "beat": statements.beat(),
    "final": statements.final(),
    "set back": statements.set_back(),
    "abandoned": statements.abandoned(),
    "held by others": statements.held_by_others(),
    "expire": statements.expire(),
    "stamp": statements.stamp(Stamp.LEARNED),
    "of key": statements.task_of_key(),
    "ancestors": statements.ancestors(),
    "notes": conversation.mark_read(),
    "slot": schedule.known_slot(),
    "delivery": handover.write_outcome(),
    "from the future": statements.from_the_future(),
    "bury": statements.bury(),
    "open children": statements.open_children(),
    "ends": incidents.ends_after(),
    "hand over": readdress.hand_over(),
}
READING = {
    "unread": UNREAD,
    "next due": "SELECT min(not_before) FROM tasks WHERE state = 'request' AND not_before > :now",
    "of agent": f"{TASKS} WHERE agent = :agent ORDER BY id DESC LIMIT 9",
    "of job": f"{TASKS} WHERE job = :job ORDER BY id DESC LIMIT 9",
    "newest": f"{TASKS} ORDER BY id DESC LIMIT 9",
    **{f"owed {which}": f"{TASKS} WHERE {terms} ORDER BY id" for which, terms in OWED.items()},
}


@pytest.mark.parametrize(
    "statement", [*WRITING.values(), *READING.values()], ids=[*WRITING, *READING]
)
def test_every_step_finds_its_rows_by_an_index(db: sqlite3.Connection, statement: str) -> None:
    values = dict.fromkeys(re.findall(r":(\w+)", statement), 1)

    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]

    looks = [
        step for step in plan if re.match(r"(SCAN|SEARCH) (tasks|events|notes|slots|deliv)", step)
    ]
    assert looks
    assert all("INDEX" in step or "PRIMARY KEY" in step for step in looks), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


def test_counting_reads_no_final(db: sqlite3.Connection) -> None:
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {COUNTS}")]

    on_tasks = [step for step in plan if " tasks " in step]
    assert {step.split()[-1] for step in on_tasks} == {"tasks_waiting", "tasks_held", "tasks_dead"}


def test_the_log_can_only_grow(db: sqlite3.Connection) -> None:
    insert_task(db, "a")
    db.execute(EVENT, ("a", "request"))

    for change in ("UPDATE events SET actor = 'x'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(change)


def test_a_second_final_is_refused_by_the_database_itself(db: sqlite3.Connection) -> None:
    insert_task(db, "a")
    insert_task(db, "b")
    for state in ("request", "confirmed", "request", "confirmed", "final"):
        db.execute(EVENT, ("a", state))
    db.execute(EVENT, ("b", "final"))

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        db.execute(EVENT, ("a", "final"))


EVENT = "INSERT INTO events (task, state, attempt, actor, at) VALUES (?, ?, 0, 'x', 'now')"


def insert_task(db: sqlite3.Connection, number: str) -> None:
    full = db.execute("SELECT name FROM pragma_table_info('tasks') WHERE \"notnull\"").fetchall()
    names = [name for (name,) in full]
    values = [number if name == "id" else "" for name in names]
    marks = ", ".join("?" * len(names))
    db.execute(f"INSERT INTO tasks ({', '.join(names)}) VALUES ({marks})", values)


def test_whether_a_job_is_busy_is_known_without_its_history(db: sqlite3.Connection) -> None:
    plan = db.execute(f"EXPLAIN QUERY PLAN {schedule.open_tasks()}", {"job": 1}).fetchall()

    assert "tasks_open_of_job" in plan[0][3]
