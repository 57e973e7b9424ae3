"""The database of the index: what it holds, and what is done when it is broken or gone."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

from harness.db.connection import explained, open_file, roll_back, transaction, write_ahead
from harness.files import make_folder
from harness.memory.search.places import Place
from harness.memory.search.units import Unit

VERSION = 3  # of the tables, the units and their terms; another one is built anew
OWNER_SHIFT = 24  # the number of a file is that of its owner, shifted, and one of its own
SHIFT = 20  # the number of a unit is that of its file, shifted, and its place in the file
MOST_UNITS = (1 << SHIFT) - 8  # of one file
CACHE = 4_000  # kibibytes of one connection

TABLES = """
CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, agent TEXT, kind TEXT NOT NULL,
    mtime INTEGER NOT NULL, size INTEGER NOT NULL, inode INTEGER NOT NULL, hash BLOB NOT NULL,
    units INTEGER NOT NULL, length INTEGER NOT NULL, first TEXT, last TEXT
);
CREATE TABLE units (
    id INTEGER PRIMARY KEY, line INTEGER NOT NULL, text TEXT NOT NULL, terms TEXT NOT NULL,
    size INTEGER NOT NULL, asks INTEGER NOT NULL, timed INTEGER NOT NULL, speaker TEXT NOT NULL,
    heading TEXT NOT NULL, date TEXT, expires TEXT, outside TEXT NOT NULL
);
CREATE INDEX units_by_date ON units (date) WHERE date IS NOT NULL;
CREATE INDEX units_of_strangers ON units (id) WHERE outside <> '';
CREATE TABLE speakers (
    name TEXT NOT NULL, file INTEGER NOT NULL, units INTEGER NOT NULL, PRIMARY KEY (name, file)
) WITHOUT ROWID;
CREATE INDEX speakers_by_file ON speakers (file);
CREATE TABLE frequency (term TEXT PRIMARY KEY, units INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    terms, content = '', detail = none, columnsize = 0, tokenize = "ascii"
);
"""
COUNT = (
    "INSERT INTO frequency VALUES (?, ?) ON CONFLICT (term)"
    " DO UPDATE SET units = units + excluded.units"
)


class FileRow(NamedTuple):
    """What is known of an indexed file."""

    id: int
    stat: tuple[int, int, int]  # mtime in nanoseconds, size, inode


class Indexed(NamedTuple):
    """A unit with what is found by it."""

    unit: Unit
    terms: Sequence[str]
    speaker: str
    size: int  # words
    asks: bool
    timed: bool


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
    rows = db.execute("SELECT path, id, mtime, size, inode FROM files")
    return {path: FileRow(file, tuple(stat)) for path, file, *stat in rows}


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """All that is read within is of one moment."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        roll_back(db)


def hash_of(db: sqlite3.Connection, path: str) -> bytes | None:
    row = db.execute("SELECT hash FROM files WHERE path = ?", (path,)).fetchone()
    return row[0] if row else None


def touch(db: sqlite3.Connection, path: str, stat: tuple[int, int, int]) -> None:
    db.execute("UPDATE files SET mtime = ?, size = ?, inode = ? WHERE path = ?", (*stat, path))


def forget(db: sqlite3.Connection, path: str, counted: Counter[str]) -> None:
    """Take out a file and all its units; their terms are taken off from what is `counted`."""
    row = db.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    span = (row[0] << SHIFT, (row[0] + 1) << SHIFT)
    old = db.execute("SELECT id, terms FROM units WHERE id >= ? AND id < ?", span).fetchall()
    for _, terms in old:
        counted.subtract(set(terms.split()))
    db.executemany("INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)", old)
    db.execute("DELETE FROM units WHERE id >= ? AND id < ?", span)
    db.execute("DELETE FROM speakers WHERE file = ?", row)
    db.execute("DELETE FROM files WHERE id = ?", row)


def add(
    db: sqlite3.Connection,
    place: Place,
    stat: tuple[int, int, int],
    digest: bytes,
    units: Sequence[Indexed],
    counted: Counter[str],
) -> None:
    """Put a file in that is not there; its terms are added to what is `counted`."""
    file = free_number(db, place.agent)
    days = [each.unit.date.isoformat() for each in units if each.unit.date]
    length = sum(len(each.terms) for each in units)
    figures = (len(units), length, min(days, default=None), max(days, default=None))
    db.execute(
        "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (file, place.path, place.agent, place.kind, *stat, digest, *figures),
    )
    rows = [unit_row((file << SHIFT) + at, each) for at, each in enumerate(units)]
    db.executemany("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    db.executemany("INSERT INTO words (rowid, terms) VALUES (?, ?)", [(r[0], r[3]) for r in rows])
    for each in units:
        counted.update(set(each.terms))
    said = Counter(each.speaker for each in units if each.speaker)
    rows = [(name, file, count) for name, count in said.items()]
    db.executemany("INSERT INTO speakers VALUES (?, ?, ?)", rows)


def count(db: sqlite3.Connection, counted: Counter[str]) -> None:
    """Bring in step in how many units each term stands."""
    db.executemany(COUNT, [pair for pair in counted.items() if pair[1]])


def free_number(db: sqlite3.Connection, agent: str | None) -> int:
    """A number for a file, in the row of those of its owner."""
    first, end = numbers_of(owner(db, agent))
    row = db.execute("SELECT max(id) FROM files WHERE id >= ? AND id < ?", (first, end)).fetchone()
    return first + 1 if row[0] is None else int(row[0]) + 1


def owner(db: sqlite3.Connection, agent: str | None) -> int:
    """The number of an agent, 0 for what is everybody's."""
    if agent is None:
        return 0
    db.execute("INSERT INTO owners (name) VALUES (?) ON CONFLICT DO NOTHING", (agent,))
    return int(db.execute("SELECT id FROM owners WHERE name = ?", (agent,)).fetchone()[0])


def numbers_of(owner: int) -> tuple[int, int]:
    """The numbers of an owner's files: from the first, and before the second."""
    return owner << OWNER_SHIFT, (owner + 1) << OWNER_SHIFT


def unit_row(number: int, each: Indexed) -> tuple[object, ...]:
    unit = each.unit
    return (
        number,
        unit.line,
        unit.text,
        f" {' '.join(each.terms)} ",
        each.size,
        each.asks,
        each.timed,
        each.speaker,
        unit.heading,
        unit.date and unit.date.isoformat(),
        unit.expires and unit.expires.isoformat(),
        "\n".join(unit.outside),
    )


def unit_of(db: sqlite3.Connection, number: int) -> Unit:
    """A unit as it was read."""
    row = db.execute(
        "SELECT path, line, text, agent, kind, date, heading, outside, expires FROM units"
        " JOIN files ON files.id = ? WHERE units.id = ?",
        (number >> SHIFT, number),
    ).fetchone()
    path, line, text, agent, kind, on, heading, outside, expires = row
    strangers = tuple(outside.split("\n")) if outside else ()
    return Unit(path, line, text, agent, kind, day(on), heading, strangers, day(expires))


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
