"""Opens the bus's database: to write, brought up to date first; to read, as it is."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from harness.db.connection import DatabaseError, connect, connect_to_read, explained
from harness.db.migrations import check_version, migrate, migrations_in


def open_to_write(path: Path) -> sqlite3.Connection:
    """Raises SchemaTooNew (78), HarnessError."""
    db = connect(path)
    try:
        migrate(db, path, migrations())
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """A home in which nothing was ever asked reads as an empty one.

    Raises SchemaTooNew (78), HarnessError.
    """
    if not path.exists():
        return empty()
    db = connect_to_read(path)
    newest = migrations_in(migrations())[-1].version
    with explained(path):
        version = check_version(db, path, newest)
    if version == newest:
        return db
    db.close()
    if version == 0:
        return empty()
    raise DatabaseError(
        f"{path} has schema {version}, and this harness reads schema {newest}",
        hint="start it once, which brings the database up to date: harness up",
    )


def empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(db, Path(":memory:"), migrations())
    return db


def migrations() -> Traversable:
    return files("harness.bus") / "migrations"
