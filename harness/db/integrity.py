"""Whether a database is whole, before a daemon builds its day on it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from harness.db.connection import connect_to_read
from harness.errors import HarnessError

COMPANIONS = ("", "-wal", "-shm")  # the files that together are one database
HEADER = 100  # bytes; https://www.sqlite.org/fileformat.html#the_database_header


class Damaged(HarnessError):
    """The database is not whole. 78 (EX_CONFIG): starting again would not help."""

    exit_code = 78


def check_whole(path: Path) -> None:
    """Raises Damaged, after a copy of what is there was put aside, once for each state.

    The file itself stays where it is: an empty one in its place would fire slots again, and
    nobody would know what was lost. Without a file there is nothing to check.
    """
    if not path.exists():
        return
    fault = fault_of(path)
    if fault is None:
        return
    aside = put_aside(path)
    raise Damaged(
        f"{path} is damaged: {fault}; a copy was put aside as {aside.name}",
        hint="take back a backup: harness restore FILE; or, to begin anew and lose the queue,"
        f" remove {path.name}, {path.name}-wal and {path.name}-shm",
    )


def fault_of(path: Path) -> str | None:
    """The first thing that SQLite finds wrong with the file, or None."""
    if 0 < path.stat().st_size < HEADER:  # SQLite takes a file of one byte for a new database
        return "the file is shorter than the header of a database"
    try:
        with closing(connect_to_read(path)) as db:
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == "ok" else str(said).replace("\n", " ")


def put_aside(path: Path) -> Path:
    """Copy the database's files; a copy of the same state that is there already is enough."""
    stamp = f"{path.stat().st_mtime:.0f}"
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for companion in COMPANIONS:
        target = aside.with_name(aside.name + companion)
        if not target.exists():
            with suppress(FileNotFoundError):
                shutil.copy2(path.with_name(path.name + companion), target)
    return aside
