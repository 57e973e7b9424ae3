"""The database in a backup: copied while others write, and looked through before it is trusted."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.bus.port import State
from harness.bus.schema import migrations
from harness.db.connection import DatabaseError, connect_to_read, explained
from harness.db.migrations import check_version, migrations_in
from harness.files import PRIVATE_FILE


@dataclass(frozen=True)
class Content:
    """What a database holds, as far as a person wants to know."""

    schema: int
    tasks: dict[str, int]
    in_flight: tuple[str, ...]


def copy_database(source: Path, target: Path) -> None:
    """One moment of the database, whoever writes meanwhile, as one file without a log beside it.

    Raises HarnessError.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    with (
        explained(source),
        closing(connect_to_read(source)) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def inspect(path: Path, *, thorough: bool) -> Content:
    """What the copy holds, once it is found sound: by `integrity_check` when thorough, else by
    `quick_check`. Raises SchemaTooNew (78), DatabaseError."""
    with sound(path, "integrity_check" if thorough else "quick_check") as db:
        newest = migrations_in(migrations())[-1].version
        schema = check_version(db, path, newest)
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tasks'").fetchone():
            return Content(schema, {}, ())
        tasks = dict(db.execute("SELECT state, count(*) FROM tasks GROUP BY state").fetchall())
        held = "SELECT id FROM tasks WHERE state = ? ORDER BY id"
        in_flight = tuple(row[0] for row in db.execute(held, (str(State.CONFIRMED),)))
    return Content(schema, tasks, in_flight)


def check_sound(path: Path) -> None:
    """Raises DatabaseError for a copy that is not whole."""
    with sound(path, "quick_check"):
        pass


@contextmanager
def sound(path: Path, check: str) -> Iterator[sqlite3.Connection]:
    with explained(path), closing(connect_to_read(path)) as db:
        faults = [row[0] for row in db.execute(f"PRAGMA {check}")]
        if faults != ["ok"]:
            raise DatabaseError(f"{path} is damaged: {'; '.join(faults[:3])}")
        yield db
