"""Property lists for launchd."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

from harness.install.service import MARK, STOP_SECONDS, Scope, Service

LABEL = "org.harness."
THROTTLE_SECONDS = 30
# launchd cannot be told which exit code means "do not start me again", only that success does:
# told so by this variable, the daemon ends with 0 when its configuration cannot run
VARIABLE = "HARNESS_SERVICE"
UMASK = 0o077


def render(service: Service) -> str:
    """The text of the property list."""
    logs = service.home / ".harness" / "logs"
    facts = {
        "Label": label(service),
        "ProgramArguments": list(service.program),
        "WorkingDirectory": str(service.home),
        "EnvironmentVariables": {VARIABLE: "launchd", "PYTHONUNBUFFERED": "1"},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": THROTTLE_SECONDS,
        "ExitTimeOut": STOP_SECONDS,
        "ProcessType": "Standard",
        "Umask": UMASK,
        # what the daemon says before its own log is open; that one rotates, this one does not
        "StandardErrorPath": str(logs / "launchd.log"),
        "HarnessMark": MARK,
    }
    if service.scope is Scope.SYSTEM:
        facts["UserName"] = service.account
    return plistlib.dumps(facts, sort_keys=True).decode()


def label(service: Service) -> str:
    return f"{LABEL}{service.name}"


def unit_file(service: Service) -> Path:
    """Where the property list belongs."""
    folder = (
        Path("/Library/LaunchDaemons")
        if service.scope is Scope.SYSTEM
        else Path.home() / "Library/LaunchAgents"
    )
    return folder / f"{label(service)}.plist"


def domain(service: Service) -> str:
    return "system" if service.scope is Scope.SYSTEM else f"gui/{os.getuid()}"


def to_install(service: Service) -> list[list[str]]:
    """What has to be run once the file is there."""
    return [["launchctl", "bootstrap", domain(service), str(unit_file(service))]]


def to_uninstall(service: Service) -> list[list[str]]:
    """What has to be run before the file goes."""
    return [["launchctl", "bootout", f"{domain(service)}/{label(service)}"]]


def to_ask(service: Service) -> list[str]:
    """What says how the service is."""
    return ["launchctl", "print", f"{domain(service)}/{label(service)}"]
