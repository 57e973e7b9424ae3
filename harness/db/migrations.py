"""The schema's history: numbered SQL files, each applied once, in one transaction.

`PRAGMA user_version` says how far a database has come. Before a database with something in
it is changed, a copy is kept beside it as `<file>.v<version>.bak`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from harness.db.connection import explained, transaction
from harness.errors import HarnessError


class SchemaTooNew(HarnessError):
    """A newer program wrote this database. 78 (EX_CONFIG): starting again would not help."""

    exit_code = 78


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    version: int
    sql: str


def migrate(db: sqlite3.Connection, path: Path, folder: Traversable) -> int:
    """Bring the database at `path` to the newest version of `folder`; returns that version.

    Raises SchemaTooNew, HarnessError when a migration fails (it is then taken back whole).
    """
    migrations = migrations_in(folder)
    newest = migrations[-1].version
    with explained(path):
        before = check_version(db, path, newest)
        if before < newest and holds_something(db):
            keep_copy(db, path.with_name(f"{path.name}.v{before}.bak"))
        for migration in migrations:
            apply(db, migration)
    return newest


def migrations_in(folder: Traversable) -> list[Migration]:
    """The steps of a folder of files named `0001_what.sql`, in order."""
    found = [
        Migration(int(file.name.split("_")[0]), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def check_version(db: sqlite3.Connection, path: Path, newest: int) -> int:
    """The database's version; raises SchemaTooNew past the `newest` that is known here."""
    version = version_of(db)
    if version > newest:
        raise SchemaTooNew(
            f"{path} has schema {version}, and this harness knows schemas up to {newest}",
            hint=f"upgrade harness, or put {path.name}.v{newest}.bak in its place if there is one",
        )
    return version


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def holds_something(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None


def keep_copy(db: sqlite3.Connection, target: Path) -> None:
    """Write a whole copy of the database to `target`: there entirely, or not at all."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    copy = sqlite3.connect(fresh)
    try:
        db.backup(copy)
    finally:
        copy.close()
    sync(fresh)
    fresh.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def apply(db: sqlite3.Connection, migration: Migration) -> None:
    with transaction(db):
        if version_of(db) >= migration.version:  # done before, or by another process just now
            return
        for statement in statements(migration.sql):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {migration.version}")


def statements(sql: str) -> Iterator[str]:
    """Split a script, since `executescript` would end our transaction first."""
    gathered = ""
    for line in sql.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
    if gathered.strip():
        yield gathered
