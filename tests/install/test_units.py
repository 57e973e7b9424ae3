"""Unit files: what they say, what systemd thinks of them, and that odd paths come through."""

from __future__ import annotations

import plistlib
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.install import launchd, systemd
from harness.install.service import MARK, Manager, Scope, Service, service_of
from harness.services.supervisor import STAGE_SECONDS

EXPOSURE = 3.0  # the most that a system unit may have
ODD = ["plain", "with space", "a%h 100%", 'quo"te', "dollar$HOME", "ümläut", "back\\slash"]

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def a_service(home: Path, scope: Scope = Scope.USER, **changes: object) -> Service:
    home.mkdir(parents=True, exist_ok=True)
    made = service_of(Home(home), scope, Manager.SYSTEMD)
    return replace(made, **changes)  # type: ignore[arg-type]


def analyze(unit: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *words, str(unit)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@needs_systemd
@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("name", ODD)
def test_systemd_finds_no_fault(tmp_path: Path, scope: Scope, name: str) -> None:
    unit = tmp_path / "harness.service"
    unit.write_text(systemd.render(a_service(tmp_path / name, scope)))

    checked = analyze(unit, "verify", "--man=no")

    assert (checked.returncode, checked.stderr + checked.stdout) == (0, "")


@needs_systemd
def test_the_system_unit_exposes_little(tmp_path: Path) -> None:
    unit = tmp_path / "harness.service"
    unit.write_text(systemd.render(a_service(tmp_path, Scope.SYSTEM, account="nobody")))

    judged = analyze(unit, "security", "--offline=true", "--no-pager")

    found = re.search(r"Overall exposure level for harness\.service: ([\d.]+)", judged.stdout)
    assert found is not None, judged.stdout + judged.stderr
    assert float(found[1]) <= EXPOSURE


@pytest.mark.parametrize("scope", Scope)
def test_a_unit_is_ours_notifies_and_does_not_restart_into_a_bad_configuration(
    tmp_path: Path, scope: Scope
) -> None:
    lines = systemd.render(a_service(tmp_path, scope)).splitlines()

    assert MARK in lines[0]
    assert {"Type=notify", "WatchdogSec=60", "KillMode=mixed", "UMask=0077"} <= set(lines)
    (never,) = [line for line in lines if line.startswith("RestartPreventExitStatus=")]
    assert "78" in never.split("=")[1].split()
    (stop,) = [line for line in lines if line.startswith("TimeoutStopSec=")]
    assert int(stop.partition("=")[2]) > 4 * STAGE_SECONDS


def test_a_home_that_would_be_hidden_is_bound_back_in(tmp_path: Path) -> None:
    service = a_service(tmp_path, Scope.SYSTEM)
    away = systemd.places(replace(service, home=Path("/home/ada/my crew"), readable=()))
    near = systemd.places(replace(service, home=Path("/srv/crew"), readable=()))
    program = systemd.places(
        replace(service, home=Path("/srv/crew"), readable=(Path("/home/ada/venv"), Path("/usr")))
    )

    assert away == ['BindPaths="/home/ada/my crew"']
    assert near == ['ReadWritePaths="/srv/crew"']
    assert program == ['ReadWritePaths="/srv/crew"', 'BindReadOnlyPaths="/home/ada/venv"']


@pytest.mark.parametrize("name", ODD)
def test_the_home_of_a_command_is_one_word(tmp_path: Path, name: str) -> None:
    service = a_service(tmp_path / name)

    (line,) = [
        line for line in systemd.render(service).splitlines() if line.startswith("ExecStart=")
    ]
    words = shlex.split(line.partition("=")[2])

    assert words[-1].replace("%%", "%").replace("$$", "$") == str(tmp_path / name)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("name", ODD)
def test_a_property_list_reads_back(tmp_path: Path, scope: Scope, name: str) -> None:
    service = replace(a_service(tmp_path / name, scope), manager=Manager.LAUNCHD)

    facts = plistlib.loads(launchd.render(service).encode())

    assert facts["ProgramArguments"] == list(service.program)
    assert facts["ProgramArguments"][-1] == str(tmp_path / name)
    assert facts["KeepAlive"] == {"SuccessfulExit": False}
    assert facts["ThrottleInterval"] == launchd.THROTTLE_SECONDS
    assert facts["ExitTimeOut"] > 4 * STAGE_SECONDS
    assert facts["Umask"] == 0o077
    assert ("UserName" in facts) == (scope is Scope.SYSTEM)


def test_two_homes_are_two_services(tmp_path: Path) -> None:
    one, other, usual = (a_service(tmp_path / name) for name in ("a/crew", "b/crew", "harness"))

    assert one.name != other.name
    assert usual.name == "harness"
    assert re.fullmatch(r"harness-crew-[0-9a-f]{6}", one.name)
