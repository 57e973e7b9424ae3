"""Opens a database of ours to look at it, whoever else writes to it."""

from __future__ import annotations

import sqlite3
from importlib.resources.abc import Traversable
from pathlib import Path

from harness.db.connection import DatabaseError, connect_to_read, explained
from harness.db.migrations import check_version, migrate, migrations_in


def open_to_read(path: Path, migrations: Traversable) -> sqlite3.Connection:
    """The database as it is; one that is not there yet, or has nothing in it, reads as empty.

    Raises SchemaTooNew (78), HarnessError: also for one that an older program left behind.
    """
    if not path.exists():
        return empty(migrations)
    db = connect_to_read(path)
    newest = migrations_in(migrations)[-1].version
    try:
        with explained(path):
            version = check_version(db, path, newest)
    except BaseException:
        db.close()
        raise
    if version == newest:
        return db
    db.close()
    if version == 0:
        return empty(migrations)
    raise DatabaseError(
        f"{path} has schema {version}, and this harness reads schema {newest}",
        hint="start it once, which brings the database up to date: harness up",
    )


def empty(migrations: Traversable) -> sqlite3.Connection:
    """A database in memory, with nothing in it."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(db, Path(":memory:"), migrations)
    return db
