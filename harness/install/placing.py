"""A service's file: put in its place, taken away, compared with what it should be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.children import child_environment
from harness.errors import Held, NotFound
from harness.files import write_whole
from harness.install import launchd, systemd
from harness.install.service import MARK, Manager, Scope, Service

BUS = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")  # by which systemctl --user finds its manager
MODE = 0o644  # a service manager of another account reads it; it holds no secret


@dataclass(frozen=True)
class Ran:
    """One native command, and how it went."""

    command: tuple[str, ...]
    ok: bool
    said: str


@dataclass(frozen=True)
class Standing:
    """How a service is."""

    file: Path
    installed: bool
    in_date: bool  # the file is what this version would write
    facts: Mapping[str, str]  # what the manager says, empty where it cannot be asked
    hints: tuple[str, ...]


def form(service: Service) -> ModuleType:
    return launchd if service.manager is Manager.LAUNCHD else systemd


def render(service: Service) -> str:
    """The file's text."""
    return str(form(service).render(service))


def file_of(service: Service) -> Path:
    return Path(form(service).unit_file(service))


def install(service: Service) -> list[Ran]:
    """Write the file and have the manager start it; the commands that were run.

    They stop at the first that fails: the file is there all the same. Raises Held when a
    file is in its place that we did not make, OSError.
    """
    file = file_of(service)
    if file.exists() and MARK not in file.read_text(errors="replace"):
        raise Held(f"{file} is not ours", hint="move it away, or keep it as your own")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, render(service), mode=MODE)
    return run_until_failure(form(service).to_install(service))


def uninstall(service: Service) -> list[Ran]:
    """Have the manager stop it, and remove the file. Raises NotFound, Held, OSError."""
    file = file_of(service)
    if not file.exists():
        raise NotFound(f"there is no {file}", hint="see: harness service status")
    if MARK not in file.read_text(errors="replace"):
        raise Held(f"{file} is not ours", hint="remove it yourself if you want it gone")
    stop, *after = form(service).to_uninstall(service)
    ran = [run(stop)]
    file.unlink()
    return ran + run_until_failure(after)


def standing(service: Service) -> Standing:
    """How the service is, without changing anything."""
    file = file_of(service)
    installed = file.exists()
    in_date = installed and file.read_text(errors="replace") == render(service)
    facts = facts_of(service) if installed else {}
    return Standing(
        file, installed, in_date, facts, tuple(hints(service, installed, in_date, facts))
    )


def facts_of(service: Service) -> dict[str, str]:
    asked = run(form(service).to_ask(service))
    if not asked.ok:
        return {}
    pairs = (line.strip().partition("=") for line in asked.said.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip().isidentifier()}


def hints(service: Service, installed: bool, in_date: bool, facts: Mapping[str, str]) -> list[str]:
    """What a person might want to do."""
    told = []
    if not installed:
        return ["install it with: harness service install"]
    if not in_date:
        told.append("the file differs from what this version writes: harness service install")
    if facts.get("Result") == "start-limit-hit":
        unit = f"{service.name}.service"
        words = " ".join(systemd.systemctl(service, "reset-failed", unit))
        told.append(f"it failed too often in a row: see the log, then {words}")
    if service.manager is Manager.SYSTEMD and service.scope is Scope.USER and not lingers(service):
        told.append(f"it ends when you log out, unless: loginctl enable-linger {service.account}")
    return told


def lingers(service: Service) -> bool:
    """Whether the account's services run without anybody logged in."""
    return (Path("/var/lib/systemd/linger") / service.account).exists()


def run_until_failure(commands: list[list[str]]) -> list[Ran]:
    ran: list[Ran] = []
    for command in commands:
        ran.append(run(command) if not ran or ran[-1].ok else Ran(tuple(command), False, "not run"))
    return ran


def run(command: list[str]) -> Ran:
    """Run a native command; one that is not there, or does not end, failed."""
    if shutil.which(command[0]) is None:
        return Ran(tuple(command), False, f"there is no {command[0]} here")
    try:
        seen = child_environment(os.environ, *BUS)
        ended = subprocess.run(command, env=seen, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return Ran(tuple(command), False, "it did not end within a minute")
    return Ran(tuple(command), ended.returncode == 0, (ended.stdout + ended.stderr).strip())
