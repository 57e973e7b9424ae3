"""Placing a unit: real files, and a service manager that stands in for the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.errors import Held, NotFound
from harness.install import placing
from harness.install.service import Manager, Scope, Service, service_of

CTL = """#!/bin/sh
echo "$@" >> "$CALLS"
[ "$2" = show ] && printf 'ActiveState=failed\\nResult=start-limit-hit\\nMainPID=0\\n'
[ ! -e "$CALLS.fail" ]
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `systemctl` that notes how it was called, and fails when told to."""
    programs = tmp_path / "bin"
    programs.mkdir()
    noted = tmp_path / "calls"
    (programs / "systemctl").write_text(CTL.replace("$CALLS", str(noted)))
    (programs / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    return noted


@pytest.fixture
def service(tmp_path: Path, calls: Path) -> Service:
    home = tmp_path / "harness"
    home.mkdir()
    return service_of(Home(home), Scope.USER, Manager.SYSTEMD)


def test_install_writes_the_unit_and_starts_it(service: Service, calls: Path) -> None:
    ran = placing.install(service)

    file = placing.file_of(service)
    assert file.read_text() == placing.render(service)
    assert [each.ok for each in ran] == [True, True]
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now harness.service",
    ]


def test_the_manager_sees_what_leads_to_it_and_no_secret(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (calls.parent / "bin" / "systemctl").write_text(f"#!/bin/sh\nenv > {calls}\n")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setenv("SOME_API_KEY", "c4nary")

    placing.run(["systemctl", "--user", "daemon-reload"])

    seen = calls.read_text()
    assert "XDG_RUNTIME_DIR=/run/user/7" in seen
    assert "c4nary" not in seen


def test_a_manager_that_cannot_be_reached_leaves_the_file_and_what_is_to_be_run(
    service: Service, calls: Path
) -> None:
    calls.with_name("calls.fail").touch()

    ran = placing.install(service)

    assert placing.file_of(service).exists()
    assert [(each.ok, each.said) for each in ran] == [(False, ""), (False, "not run")]


def test_somebody_elses_unit_is_not_touched(service: Service) -> None:
    file = placing.file_of(service)
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\nExecStart=/bin/true\n")

    with pytest.raises(Held, match="is not ours"):
        placing.install(service)
    with pytest.raises(Held, match="is not ours"):
        placing.uninstall(service)

    assert file.read_text() == "[Service]\nExecStart=/bin/true\n"


def test_uninstall_stops_it_and_removes_the_file(service: Service, calls: Path) -> None:
    placing.install(service)
    calls.unlink()

    placing.uninstall(service)

    assert not placing.file_of(service).exists()
    assert calls.read_text().splitlines() == [
        "--user disable --now harness.service",
        "--user daemon-reload",
    ]
    with pytest.raises(NotFound):
        placing.uninstall(service)


def test_status_tells_of_drift_and_of_a_service_that_gave_up(service: Service) -> None:
    before = placing.standing(service)
    assert (before.installed, before.hints) == (
        False,
        ("install it with: harness service install",),
    )
    placing.install(service)
    assert placing.standing(service).in_date
    file = placing.file_of(service)
    file.write_text(file.read_text().replace("WatchdogSec=60", "WatchdogSec=9"))

    now = placing.standing(service)

    assert (now.installed, now.in_date) == (True, False)
    assert now.facts["Result"] == "start-limit-hit"
    told = "\n".join(now.hints)
    assert "differs from what this version writes" in told
    assert "systemctl --user reset-failed harness.service" in told
    assert "enable-linger" in told
