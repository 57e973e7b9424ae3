"""Connections: private files, durable commits, errors that a person can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from harness.db.connection import (
    DatabaseError,
    connect,
    connect_to_read,
    explained,
    transaction,
)
from harness.errors import Held


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "harness.db"


def test_nobody_else_can_read_the_files(path: Path) -> None:
    db = connect(path)
    db.execute("CREATE TABLE t (a)")

    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    assert modes == {"harness.db": 0o600, "harness.db-wal": 0o600, "harness.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    db.close()


def test_a_commit_waits_for_the_disk(path: Path) -> None:
    db = connect(path)

    pragmas = [
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]

    assert pragmas == ["wal", 2, 1, 5000]  # 2: FULL
    db.close()


def test_a_transaction_is_kept_whole_or_not_at_all(path: Path) -> None:
    db = connect(path)
    db.execute("CREATE TABLE t (a)")

    with transaction(db):
        db.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.OperationalError):
        half_a_transaction(db)

    assert db.execute("SELECT a FROM t").fetchall() == [(1,)]
    db.close()


def half_a_transaction(db: sqlite3.Connection) -> None:
    with transaction(db):
        db.execute("INSERT INTO t VALUES (2)")
        db.execute("INSERT INTO nowhere VALUES (3)")


def test_a_reading_connection_does_not_write(path: Path) -> None:
    connect(path).close()
    db = connect_to_read(path)

    with pytest.raises(DatabaseError, match="read-only"), explained(path):
        db.execute("CREATE TABLE t (a)")

    db.close()


def test_a_reading_connection_makes_no_file(path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be opened"):
        connect_to_read(path)

    assert not path.exists()


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=f"{tmp_path} cannot be opened"):
        connect(tmp_path)


def test_a_lock_of_another_process_is_told_as_such(path: Path) -> None:
    holder, db = connect(path), connect(path)
    db.execute("PRAGMA busy_timeout = 1")
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(Held, match="locked by another process"), explained(path):
        db.execute("BEGIN IMMEDIATE")

    holder.close()
    db.close()


def test_a_full_disk_is_told_as_such(path: Path) -> None:
    db = connect(path)
    db.execute("CREATE TABLE t (a)")
    db.execute("PRAGMA max_page_count = 2")

    with pytest.raises(DatabaseError, match="the disk is full"), explained(path), transaction(db):
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")

    assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    db.close()


def test_other_errors_keep_their_words(path: Path) -> None:
    with pytest.raises(DatabaseError, match="no such column") as caught, explained(path):
        raise sqlite3.OperationalError("no such column: x")

    assert str(path) in str(caught.value)


def test_who_is_turned_away_at_once_from_a_new_file_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")  # to this SQLite does not lend its patience
    monkeypatch.setattr("harness.db.connection.time.sleep", lambda seconds: other.rollback())

    db = connect(path)

    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    other.close()
