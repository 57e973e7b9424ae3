"""What the benchmark of the bus compares with: plain `sqlite3`, and a home of a million rows."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.bus.schema import open_to_write
from harness.clock import SystemClock, stamp
from harness.config.home import Home

PROMPT = "Read the feeds and write the morning digest, newest first, with a link for each item."
CLOCK = SystemClock()


@contextmanager
def yardstick(path: Path) -> Iterator[sqlite3.Connection]:
    """The same columns, and the two indexes without which nobody finds his work or its log."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute(
        "CREATE TABLE tasks (id TEXT PRIMARY KEY, agent TEXT, lane TEXT, sender TEXT, title TEXT,"
        " prompt TEXT, state TEXT, outcome TEXT, attempt INTEGER, max_attempts INTEGER,"
        " priority TEXT, root TEXT, created_at TEXT, updated_at TEXT, not_before TEXT,"
        " timeout INTEGER, lease_until TEXT, owner TEXT, result TEXT, deliver TEXT, payload TEXT)"
    )
    db.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, task TEXT REFERENCES tasks (id),"
        " state TEXT, outcome TEXT, attempt INTEGER, actor TEXT, at TEXT)"
    )
    db.execute("CREATE INDEX waiting ON tasks (lane, not_before) WHERE state = 'request'")
    db.execute("CREATE INDEX events_of_task ON events (task)")
    try:
        yield db
    finally:
        db.close()


def one_plain_task(db: sqlite3.Connection, task: str) -> None:
    event = (
        "INSERT INTO events (task, state, outcome, attempt, actor, at) VALUES (?, ?, ?, ?, ?, ?)"
    )
    at = stamp(CLOCK.now())
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        "INSERT INTO tasks VALUES (?, 'scout', 'scout', 'person', 'Digest', ?, 'request', NULL, 0,"
        " 6, 'P1', ?, ?, ?, ?, 1200000, NULL, NULL, NULL, '[]', '{}')",
        (task, PROMPT, task, at, at, at),
    )
    db.execute(event, (task, "request", None, 0, "person", at))
    db.execute("COMMIT")

    at = stamp(CLOCK.now())
    db.execute("BEGIN IMMEDIATE")
    ((task,),) = db.execute(
        "UPDATE tasks SET state = 'confirmed', owner = 'bench', attempt = attempt + 1,"
        " lease_until = ?, updated_at = ? WHERE id = (SELECT id FROM tasks WHERE lane = 'scout'"
        " AND state = 'request' AND not_before <= ? ORDER BY not_before LIMIT 1) RETURNING id",
        (at, at, at),
    ).fetchall()
    db.execute(event, (task, "confirmed", None, 1, "bench", at))
    db.execute("COMMIT")

    at = stamp(CLOCK.now())
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        "UPDATE tasks SET state = 'final', outcome = 'done', result = ?, lease_until = NULL,"
        " updated_at = ? WHERE id = ? AND state = 'confirmed' AND owner = 'bench' AND attempt = 1",
        ('{"text": "Nothing new."}', at, task),
    )
    db.execute(event, (task, "final", "done", 1, "bench", at))
    db.execute("COMMIT")


def fill(home: Home, rows: int) -> float:
    """Make a database of that many final tasks with their events; returns the seconds."""
    start = time.perf_counter()
    db = open_to_write(home.database)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("PRAGMA cache_size = -400000")
    indexes = db.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    db.execute("BEGIN")
    db.execute(OLD_TASKS, {"rows": rows, "prompt": PROMPT})
    db.execute(OLD_EVENTS)
    db.execute("INSERT INTO finals SELECT lane, count(*) FROM tasks GROUP BY lane")
    for _, sql in indexes:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    return time.perf_counter() - start


OLD_TASKS = """
    WITH RECURSIVE old (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM old WHERE n < :rows)
    INSERT INTO tasks
    SELECT printf('%026d', n), 'agent-' || (n % 6), 'agent-' || (n % 6), 'cron', 'Morning digest',
        :prompt, 'final', 'done', 1, 6, 'P1', 'cron:job-' || (n % 12) || ':' || printf('%010d', n),
        NULL, printf('%026d', n), 'job-' || (n % 12), '2026-01-01T00:00:00.000+00:00',
        '2026-01-01T00:00:00.000+00:00', '2026-01-01T00:00:00.000+00:00', NULL, 1200000, NULL,
        'bench', '{"text": "Nothing new."}', NULL, '["archive"]', 0, '{}',
        '2026-01-01T00:00:00.000+00:00', NULL, '2026-01-01T00:00:00.000+00:00', 6, 0
    FROM old
"""

OLD_EVENTS = """
    WITH states (state, outcome, attempt) AS
        (VALUES ('request', NULL, 0), ('confirmed', NULL, 1), ('final', 'done', 1))
    INSERT INTO events (task, state, outcome, attempt, actor, at, note)
    SELECT tasks.id, states.state, states.outcome, states.attempt, 'bench', tasks.updated_at, NULL
    FROM tasks CROSS JOIN states
"""
