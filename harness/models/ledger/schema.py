"""Opens the ledger: to write, begun anew when it is damaged; to read, as it is."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from harness.db import reading
from harness.db.connection import DatabaseError, connect, explained
from harness.db.integrity import COMPANIONS, HEADER
from harness.db.migrations import migrate

BUSY_MILLISECONDS = 1000  # a write that is turned away is tried again later
READ_MILLISECONDS = 200  # what a look at the sums of a day may wait
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True)
class Opened:
    """The ledger, and where the damaged one lies that it took the place of."""

    db: sqlite3.Connection
    aside: Path | None = None


def open_or_begin_anew(path: Path) -> Opened:
    """The ledger to write to; one that is damaged is put aside. Raises HarnessError when it can
    be neither opened nor made."""
    try:
        return Opened(open_to_write(path))
    except DatabaseError as error:
        if not is_damage(error):
            raise
    aside = put_aside(path)
    return Opened(open_to_write(path), aside)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Raises SchemaTooNew, HarnessError: one for which `is_damage` holds where the file is."""
    refuse_stub(path)
    db = connect(path)
    try:
        with explained(path):
            db.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            # a row may be lost with the power of the machine, though not with the process
            db.execute("PRAGMA synchronous = NORMAL")
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise damaged(str(said))
        migrate(db, path, migrations())
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """A home in which no model was ever asked reads as an empty one.

    Raises SchemaTooNew, HarnessError.
    """
    return reading.open_to_read(path, migrations())


def migrations() -> Traversable:
    return files("harness.models.ledger") / "migrations"


def is_damage(error: BaseException) -> bool:
    """Whether SQLite said that the file is damaged, or no database at all."""
    cause = error.__cause__
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in DAMAGE


def refuse_stub(path: Path) -> None:
    """SQLite takes a file of one byte for a new database."""
    with explained(path):
        if path.is_file() and 0 < path.stat().st_size < HEADER:
            raise damaged("the file is shorter than the header of a database")


def damaged(said: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(said.replace("\n", " "))
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def put_aside(path: Path) -> Path:
    """Give the files of the database another name. Raises HarnessError."""
    aside = path.with_name(f"{path.name}.damaged-{path.stat().st_mtime:.0f}")
    try:
        for companion in COMPANIONS:
            part = path.with_name(path.name + companion)
            if part.exists():
                part.replace(aside.with_name(aside.name + companion))
    except OSError as error:
        raise DatabaseError(f"{path} is damaged and cannot be put aside: {error}") from error
    return aside
