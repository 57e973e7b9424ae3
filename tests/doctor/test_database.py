"""A database that is damaged, of another version, or swollen."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from harness.config.home import Home
from harness.db.connection import connect
from harness.doctor import database
from harness.doctor.checkup import mend
from harness.doctor.finding import Level
from harness.services.lock import HomeLock
from tests.doctor.conftest import Look


@pytest.mark.usefixtures("bus")
def test_a_whole_one_is_fine_while_it_is_written(look: Look) -> None:
    assert look("database") == []
    assert look("wal") == []


def test_none_at_all_is_fine_too(look: Look) -> None:
    assert look("database") == []


def damage(home: Home) -> None:
    home.state.mkdir(mode=0o700)
    home.database.write_bytes(b"nonsense" * 1000)


def test_a_damaged_one_is_named_and_a_restore_is_offered(look: Look, home: Home) -> None:
    damage(home)

    (found,) = look("database")

    assert found.level is Level.ERROR
    assert f"{home.database} is damaged: file is not a database" in found.message
    assert str(found.fix).startswith("take back a backup: harness restore FILE; or, to begin anew")
    with HomeLock(home):
        (held,) = look("database")
    assert "harness down; harness restore FILE" in str(held.fix)


def test_checks_that_need_the_database_say_that_they_could_not_look(look: Look, home: Home) -> None:
    damage(home)

    found = [each for check in ("dead", "leases", "waiting", "jobs") for each in look(check)]

    assert {each.level for each in found} == {Level.HINT}
    assert {each.message for each in found} == {"not looked at: the database cannot be read"}


def test_one_of_a_later_version_is_an_error_with_the_way_out(look: Look, home: Home) -> None:
    with closing(connect(home.database)) as db:
        db.execute("PRAGMA user_version = 9999")

    (found,) = look("database")

    assert found.level is Level.ERROR
    assert "has schema 9999" in found.message
    assert "upgrade harness" in str(found.fix)


def test_a_folder_in_its_place_is_told_with_how_to_look(look: Look, home: Home) -> None:
    home.database.mkdir(parents=True)

    (found,) = look("database")

    assert found.message == f"{home.database} cannot be opened: it is missing, or not a file"
    assert found.fix == f"see what is there: ls -l {home.state}"


@pytest.mark.usefixtures("bus")
def test_copies_that_were_put_aside_are_a_hint(look: Look, home: Home) -> None:
    for companion in ("", "-wal"):
        (home.state / f"harness.db.damaged-17{companion}").touch()

    (found,) = look("database")

    assert found.level is Level.HINT
    assert found.message == "copies of a damaged database are kept: harness.db.damaged-17"


def grow(home: Home) -> None:
    with closing(sqlite3.connect(home.database)) as db:
        db.execute("CREATE TABLE big (text)")
        db.execute("INSERT INTO big VALUES (zeroblob(200000))")
        db.commit()


@pytest.mark.usefixtures("bus")
def test_a_swollen_log_is_folded_back_unless_somebody_reads(
    look: Look, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SWOLLEN", 100_000)
    log = home.database.with_name("harness.db-wal")
    reader = sqlite3.connect(home.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tasks").fetchone()
    grow(home)
    (found,) = look("wal")
    monkeypatch.setattr("harness.db.connection.BUSY_MILLISECONDS", 50)
    (left,) = mend([found])
    assert (left.level, "somebody reads harness.db right now" in left.message) == (
        Level.ERROR,
        True,
    )
    reader.close()

    (done,) = mend([found])

    assert done.level is Level.FIXED
    assert log.stat().st_size == 0
    assert look("wal") == []
