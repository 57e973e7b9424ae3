"""A daemon that stands still or is of another day, and a unit file that drifted."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from harness import __version__
from harness.config.home import Home
from harness.doctor.finding import Level
from harness.install import placing
from harness.install.service import Scope, manager_here, service_of
from harness.services.lock import HomeLock
from tests.doctor.conftest import Look
from tests.services.test_lock import hold


def test_a_home_without_a_daemon_is_no_problem(look: Look) -> None:
    (found,) = look("daemon")

    assert (found.level, found.fix) == (Level.HINT, "harness up")


def test_a_daemon_that_beats_is_well(look: Look, home: Home) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=os.getpid(), version=__version__)

        assert look("daemon") == []


def test_one_that_does_not_beat_is_an_error_and_one_that_was_stopped_is_let_go_on(
    look: Look, home: Home
) -> None:
    process = hold(home.root)
    long_ago = time.time() - 95
    os.utime(home.lock, (long_ago, long_ago))
    try:
        (hangs,) = look("daemon")
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        (stopped,) = look("daemon")
    finally:
        process.kill()
        process.communicate()

    assert hangs.level is Level.ERROR
    assert f"process {process.pid} holds the home" in hangs.message
    assert "no sign of life for 0:01:3" in hangs.message
    assert hangs.fix == f"end it and start anew: kill -9 {process.pid}; harness up"
    assert stopped.fix == f"it was stopped; let it go on: kill -CONT {process.pid}"


def test_one_of_another_version_is_to_be_started_anew(look: Look, home: Home) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=os.getpid(), version="0.0.7")

        (found,) = look("daemon")

    assert found.level is Level.WARNING
    assert found.message == f"the crew that runs is version 0.0.7, this one {__version__}"


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of this test is systemd's")
def test_a_unit_file_that_drifted_is_told_and_none_at_all_is_fine(
    look: Look, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    unit = service_of(home, Scope.USER, manager_here())
    assert look("service") == []
    file = placing.file_of(unit)
    file.parent.mkdir(parents=True)
    file.write_text(placing.render(unit))
    in_date = [each.message for each in look("service") if "differs" in each.message]
    file.write_text(placing.render(unit).replace("Restart=", "#Restart="))

    found = next(each for each in look("service") if "differs" in each.message)

    assert in_date == []
    assert (found.level, found.fix) == (Level.WARNING, "harness service install")
    assert found.message == f"{file}: the file differs from what this version writes"


def test_a_unit_that_somebody_else_wrote_is_his_own(
    look: Look, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    file = placing.file_of(service_of(home, Scope.USER, manager_here()))
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\nExecStart=/bin/true\n")

    assert look("service") == []
