"""The database of the index: what it holds, and what is done when it is broken or gone."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

from harness.db.connection import explained, open_file, transaction, write_ahead
from harness.files import make_folder
from harness.memory.search.units import Unit

VERSION = 1  # of the tables and of how texts become terms; another one is built anew
SHIFT = 20  # the number of a unit is that of its file, shifted, and its place in the file
MOST_UNITS = (1 << SHIFT) - 8  # of one file
CACHE = 4_000  # kibibytes of one connection

TABLES = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, agent TEXT, kind TEXT NOT NULL,
    mtime INTEGER NOT NULL, size INTEGER NOT NULL, inode INTEGER NOT NULL, hash BLOB NOT NULL,
    units INTEGER NOT NULL, length INTEGER NOT NULL
);
CREATE TABLE units (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, text TEXT NOT NULL, terms TEXT NOT NULL,
    heading TEXT NOT NULL, speaker TEXT NOT NULL, date TEXT, expires TEXT, outside TEXT NOT NULL
);
CREATE INDEX units_by_date ON units (date) WHERE date IS NOT NULL;
CREATE TABLE speakers (
    name TEXT NOT NULL, file INTEGER NOT NULL, units INTEGER NOT NULL, PRIMARY KEY (name, file)
) WITHOUT ROWID;
CREATE INDEX speakers_by_file ON speakers (file);
CREATE VIRTUAL TABLE words USING fts5 (
    terms, content = '', detail = none, columnsize = 0, tokenize = "ascii"
);
CREATE VIRTUAL TABLE frequency USING fts5vocab (words, row);
"""


class FileRow(NamedTuple):
    """What is known of an indexed file."""

    id: int
    path: str
    mtime: int
    size: int
    inode: int
    hash: bytes


class Indexed(NamedTuple):
    """A unit with what is found by it."""

    unit: Unit
    terms: Sequence[str]
    speaker: str


def open_index(path: Path) -> sqlite3.Connection:
    """A connection to the index, made when there is none, and anew when it is another version or
    no database at all. Raises HarnessError."""
    make_folder(path.parent)
    with explained(path):
        try:
            return prepared(path)
        except sqlite3.DatabaseError as error:
            if not broken(error):
                raise
            remove(path)
            return prepared(path)


def prepared(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    db = open_file(path)
    try:
        write_ahead(db)
        db.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is read again
        db.execute(f"PRAGMA cache_size = -{CACHE}")
        with transaction(db):
            make_tables(db)
    except BaseException:
        db.close()
        raise
    return db


def make_tables(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if db.execute(names).fetchone():
        raise sqlite3.DatabaseError("the index has another version")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


def broken(error: sqlite3.DatabaseError) -> bool:
    """Whether only building anew helps: not a full disk, and not one that waits for others."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return True
    damage = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
    return code & 0xFF in damage or code == sqlite3.SQLITE_IOERR_SHORT_READ


def remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()


def known_files(db: sqlite3.Connection) -> dict[str, FileRow]:
    rows = db.execute("SELECT id, path, mtime, size, inode, hash FROM files")
    return {row[1]: FileRow(*row) for row in rows}


def hash_of(db: sqlite3.Connection, path: str) -> bytes | None:
    row = db.execute("SELECT hash FROM files WHERE path = ?", (path,)).fetchone()
    return row[0] if row else None


def touch(db: sqlite3.Connection, path: str, stat: tuple[int, int, int]) -> None:
    db.execute("UPDATE files SET mtime = ?, size = ?, inode = ? WHERE path = ?", (*stat, path))


def forget(db: sqlite3.Connection, path: str) -> None:
    """Take out a file and all its units."""
    row = db.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    first, end = row[0] << SHIFT, (row[0] + 1) << SHIFT
    span = "FROM units WHERE id >= ? AND id < ?"
    db.execute(
        f"INSERT INTO words (words, rowid, terms) SELECT 'delete', id, terms {span}", (first, end)
    )
    db.execute(f"DELETE {span}", (first, end))
    db.execute("DELETE FROM speakers WHERE file = ?", row)
    db.execute("DELETE FROM files WHERE id = ?", row)


def add(
    db: sqlite3.Connection,
    place: tuple[str, str | None, str],
    stat: tuple[int, int, int],
    digest: bytes,
    units: Sequence[Indexed],
) -> None:
    """Put a file in that is not there."""
    length = sum(len(each.terms) for each in units)
    made = db.execute(
        "INSERT INTO files (path, agent, kind, mtime, size, inode, hash, units, length)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, *stat, digest, len(units), length),
    )
    file = made.lastrowid or 0
    rows = [unit_row((file << SHIFT) + at, each) for at, each in enumerate(units)]
    db.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.executemany("INSERT INTO words (rowid, terms) VALUES (?, ?)", [(r[0], r[3]) for r in rows])
    said: dict[str, int] = {}
    for each in units:
        if each.speaker:
            said[each.speaker] = said.get(each.speaker, 0) + 1
    db.executemany(
        "INSERT INTO speakers VALUES (?, ?, ?)", [(name, file, said[name]) for name in said]
    )


def unit_row(number: int, each: Indexed) -> tuple[object, ...]:
    unit = each.unit
    return (
        number,
        unit.line,
        storable(unit.text),
        " ".join(each.terms),
        storable(unit.heading),
        each.speaker,
        unit.date and unit.date.isoformat(),
        unit.expires and unit.expires.isoformat(),
        "\n".join(unit.outside),
    )


def storable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
