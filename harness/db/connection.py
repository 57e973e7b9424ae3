"""Connections to one SQLite file: durable, private, and clear about what went wrong."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, Held

BUSY_MILLISECONDS = 5000  # how long a statement waits for another process's transaction


class DatabaseError(HarnessError):
    """SQLite could not do it; nothing of the transaction was kept."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that reads and writes; file (0600) and folder (0700) are made if missing.

    Transactions are opened and closed by hand. A commit is on the disk when it returns.
    The connection may be used from any thread, by one at a time. Raises HarnessError.
    """
    with explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # SQLite gives its -wal and -shm files the mode of the database file
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise DatabaseError(f"{path} cannot be opened: {error.strerror}") from error
        db = open_file(path)
        try:
            write_ahead(db)
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            db.close()
            raise
        return db


def write_ahead(db: sqlite3.Connection) -> None:
    """Keep a write-ahead log. Of two processes that change a new file to it at the same moment
    SQLite turns one away at once, whatever its patience; so it asks again."""
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.005, 0.05))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection to an existing file that refuses to write. Raises HarnessError.

    Not `mode=ro`: reading a WAL file needs its -shm file, which such a connection may not make.
    Where nobody may write, as in a home on a read-only disk, nothing changes either.
    """
    frozen = not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    if frozen and has_content(path.with_name(f"{path.name}-wal")):
        raise DatabaseError(
            f"{path} cannot be read here: its last changes are in {path.name}-wal, and the folder"
            " is read-only",
            hint="copy the folder to where you may write, and read it there",
        )
    with explained(path):
        db = open_file(path, "mode=ro&immutable=1" if frozen else "mode=rw")
        db.execute("PRAGMA query_only = ON")
        return db


def has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def open_file(path: Path, how: str = "mode=rw") -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One durable transaction that writes; an exception inside takes all of it back."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:  # a full disk makes SQLite roll back by itself
        db.execute("ROLLBACK")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ones that a person can act on."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


def explain(error: sqlite3.Error, path: Path) -> HarnessError:
    """What an error of SQLite means for whoever owns the file."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DatabaseError(
                f"{path} cannot grow: the disk is full", hint="free some space and try again"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Held(
                f"{path} is locked by another process for more than {BUSY_MILLISECONDS / 1000:g} s",
                hint="end the process that keeps a transaction open, and try again",
            )
        case sqlite3.SQLITE_READONLY:
            return DatabaseError(
                f"{path} is read-only", hint="check who owns the file, and how it is mounted"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return DatabaseError(f"{path} cannot be opened: it is missing, or not a file")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DatabaseError(
                f"{path} is damaged: {error}", hint="put it aside and restore a backup"
            )
        case sqlite3.SQLITE_IOERR:
            return DatabaseError(
                f"{path}: {error}",
                hint="the disk fails, or the process may write no larger files (ulimit -f)",
            )
        case _:
            return DatabaseError(f"{path}: {error}")
