"""Python, SQLite, the disk and the clock, each wrong in turn."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from harness.bus.port import Recovered
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.doctor.finding import Level
from harness.doctor.machine import MIB
from tests.doctor.conftest import Look


@pytest.mark.parametrize("check", ["python", "sqlite", "disk", "clock"])
def test_this_machine_is_well(look: Look, check: str) -> None:
    assert look(check) == []


def test_an_old_python_is_named_with_the_one_that_is_needed(look: Look) -> None:
    (found,) = look("python", python=(3, 10, 12))

    assert found.level is Level.ERROR
    assert found.message == "Python 3.10.12 is too old: 3.11 is needed"
    assert found.fix == "make a new environment: python3.11 -m venv .venv"


def test_an_old_sqlite_is_an_error(look: Look) -> None:
    (found,) = look("sqlite", sqlite=(3, 34, 1))

    assert (found.level, found.message) == (
        Level.ERROR,
        "SQLite 3.34.1 is too old: 3.35.0 is needed",
    )


@pytest.mark.parametrize(
    ("free", "level"), [(600 * MIB, Level.WARNING), (99 * MIB, Level.ERROR)], ids=["tight", "full"]
)
def test_a_disk_that_fills_up_is_told_before_it_is_full(
    look: Look, free: int, level: Level
) -> None:
    (found,) = look("disk", free=lambda folder: free)

    assert found.level is level
    assert found.message.startswith(f"{free // MIB} MiB are free on the disk of ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_nobody_may_write_is_an_error(look: Look, home: Home) -> None:
    home.root.chmod(0o500)
    try:
        (found,) = look("disk")
    finally:
        home.root.chmod(0o700)

    assert "nothing can be written in" in found.message


@pytest.mark.parametrize("year", [1970, 2106])
def test_a_clock_of_another_age_is_an_error(look: Look, year: int) -> None:
    (found,) = look("clock", now=datetime(year, 1, 1, tzinfo=UTC))

    assert (found.level, found.message) == (Level.ERROR, f"the clock shows {year}-01-01 00:00 UTC")


def test_a_database_from_the_future_tells_of_a_clock_that_was_set_back(
    look: Look, home: Home, clock: FakeClock
) -> None:
    home.state.mkdir()
    home.lock.touch()
    later = clock.now().timestamp() + 7200
    os.utime(home.lock, (later, later))

    (found,) = look("clock")

    assert found.level is Level.WARNING
    assert "lock was written 2:00:00 ahead of now" in found.message


async def test_jumps_of_the_last_day_are_a_hint_and_older_ones_are_not(
    look: Look, bus: SqliteBus, home: Home, clock: FakeClock
) -> None:
    os.utime(home.database, (0, 0))  # the test's clock stands still, the file's does not
    await bus.recovered(Recovered.CLOCK, "clock", "went ahead by 1:00:00")
    await bus.recovered(Recovered.RESTARTED, "courier", "OSError: disk full")
    os.utime(home.database, (0, 0))

    (found,) = look("clock", now=clock.now() + timedelta(hours=23))

    assert found.level is Level.HINT
    assert "jumped once in the last day; the last time it went ahead by 1:00:00" in found.message
    assert look("clock", now=clock.now() + timedelta(hours=25)) == []
