"""A ledger that is not whole, or was put aside."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from harness.config.home import Home
from harness.doctor.finding import Level
from harness.models.ledger.schema import open_to_write
from tests.doctor.conftest import Look


def test_no_ledger_and_a_whole_one_are_well(look: Look, home: Home) -> None:
    assert look("ledger") == []
    open_to_write(home.ledger).close()

    assert look("ledger") == []


def test_a_damaged_ledger_is_told_with_what_becomes_of_it(look: Look, home: Home) -> None:
    home.state.mkdir()
    home.ledger.write_bytes(b"no database " * 500)

    (found,) = look("ledger")

    assert found.level is Level.WARNING
    assert "ledger.db is damaged" in found.message
    assert "begun anew by itself" in str(found.fix)


def test_one_that_was_put_aside_is_told(look: Look, home: Home) -> None:
    home.state.mkdir()
    (home.state / "ledger.db.damaged-17").touch()

    (found,) = look("ledger")

    assert found.level is Level.HINT
    assert "ledger.db.damaged-17" in found.message


def test_one_of_a_newer_program_is_told(look: Look, home: Home) -> None:
    open_to_write(home.ledger).close()
    with closing(sqlite3.connect(home.ledger)) as db:
        db.execute("PRAGMA user_version = 99")

    (found,) = look("ledger")

    assert "not written down" in found.message
    assert "schema 99" in found.message
