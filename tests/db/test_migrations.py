"""Migrations: each once, whole, with a copy of what was there before."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.db.connection import DatabaseError, connect
from harness.db.migrations import SchemaTooNew, migrate, statements, version_of

FIRST = "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n"
SECOND = """
CREATE TABLE b (y);  -- with a comment; and a semicolon
CREATE TRIGGER t AFTER INSERT ON a
BEGIN
    INSERT INTO b VALUES (NEW.x);
    INSERT INTO b VALUES (NEW.x + 1);
END;
INSERT INTO a VALUES (2);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "harness.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(FIRST)
    return folder


def migrated(path: Path, folder: Path) -> sqlite3.Connection:
    db = connect(path)
    migrate(db, path, folder)
    return db


def test_a_new_database_gets_every_step_and_no_copy(path: Path, folder: Path) -> None:
    (folder / "0002_second.sql").write_text(SECOND)

    db = migrated(path, folder)

    assert version_of(db) == 2
    assert db.execute("SELECT y FROM b").fetchall() == [(2,), (3,)]
    assert not list(path.parent.glob("*.bak"))
    db.close()


def test_an_older_database_is_copied_and_then_changed(path: Path, folder: Path) -> None:
    migrated(path, folder).close()
    (folder / "0002_second.sql").write_text(SECOND)

    db = migrated(path, folder)

    copy = sqlite3.connect(path.with_name("harness.db.v1.bak"))
    assert (version_of(db), version_of(copy)) == (2, 1)
    assert copy.execute("SELECT x FROM a").fetchall() == [(1,)]
    assert copy.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    assert path.with_name("harness.db.v1.bak").stat().st_mode & 0o777 == 0o600
    assert not list(path.parent.glob("*.new*"))
    copy.close()
    db.close()


def test_what_is_up_to_date_is_left_alone(path: Path, folder: Path) -> None:
    migrated(path, folder).close()

    db = migrated(path, folder)

    assert db.execute("SELECT count(*) FROM a").fetchone() == (1,)
    assert not list(path.parent.glob("*.bak"))
    db.close()


def test_a_step_that_fails_is_taken_back_whole(path: Path, folder: Path) -> None:
    migrated(path, folder).close()
    (folder / "0002_broken.sql").write_text("CREATE TABLE b (y);\nINSERT INTO nowhere VALUES (1);")

    db = connect(path)
    with pytest.raises(DatabaseError, match="nowhere"):
        migrate(db, path, folder)

    assert version_of(db) == 1
    assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    db.close()


def test_a_newer_database_is_refused_and_says_what_to_do(path: Path, folder: Path) -> None:
    db = migrated(path, folder)
    db.execute("PRAGMA user_version = 7")

    with pytest.raises(SchemaTooNew, match=r"has schema 7, and this harness .* up to 1") as caught:
        migrate(db, path, folder)

    assert caught.value.exit_code == 78
    assert caught.value.hint is not None
    assert "upgrade harness" in caught.value.hint
    db.close()


def test_processes_that_start_at_once_migrate_once(path: Path, folder: Path) -> None:
    connect(path).close()
    with ThreadPoolExecutor(8) as pool:
        databases = list(pool.map(lambda _: migrated(path, folder), range(8)))

    assert databases[0].execute("SELECT count(*) FROM a").fetchone() == (1,)
    for db in databases:
        db.close()


def test_a_script_is_split_at_the_ends_of_its_statements() -> None:
    parts = [statement.split()[:2] for statement in statements(SECOND)]

    assert parts == [["CREATE", "TABLE"], ["CREATE", "TRIGGER"], ["INSERT", "INTO"]]
