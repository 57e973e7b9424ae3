"""Opens the bus's database: to write, brought up to date first; to read, as it is."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from harness.db import reading
from harness.db.connection import connect
from harness.db.migrations import migrate


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
    return reading.open_to_read(path, migrations())


def migrations() -> Traversable:
    return files("harness.bus") / "migrations"
