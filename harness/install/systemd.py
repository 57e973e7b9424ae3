"""Units for systemd: `Type=notify` with a watchdog, hardened as far as workers allow."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from harness.install.service import (
    MARK,
    RESTART_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    WATCHDOG_SECONDS,
    Scope,
    Service,
)

# ProtectHome and PrivateTmp hide these; what the daemon needs of them is bound back in
HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))


def render(service: Service) -> str:
    """The text of the unit file."""
    template = files("harness.install") / f"systemd-{service.scope}.service"
    return Template(template.read_text("utf-8")).substitute(
        mark=MARK,
        home=escaped(str(service.home)),
        program=" ".join(quoted(part) for part in service.program),
        folder=escaped(str(service.home)),
        account=service.account,
        places="\n".join(places(service)),
        restart=RESTART_SECONDS,
        start=START_SECONDS,
        stop=STOP_SECONDS,
        watchdog=WATCHDOG_SECONDS,
    )


def places(service: Service) -> list[str]:
    """Where the daemon may write, and what it must see although homes are hidden."""
    lines = []
    if hidden(service.home):
        lines.append(f"BindPaths={quoted(str(service.home))}")
    else:
        lines.append(f"ReadWritePaths={quoted(str(service.home))}")
    for path in service.readable:
        if hidden(path) and not path.is_relative_to(service.home):
            lines.append(f"BindReadOnlyPaths={quoted(str(path))}")
    return lines


def hidden(path: Path) -> bool:
    return any(path.is_relative_to(above) for above in HIDDEN)


def quoted(text: str) -> str:
    """One word of a command or a list: nothing in it is expanded or split."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped(inside).replace("$", "$$")}"'


def escaped(text: str) -> str:
    """Text in which `%` means itself."""
    return text.replace("%", "%%").replace("\n", " ")


def unit_file(service: Service) -> Path:
    """Where the unit belongs."""
    if service.scope is Scope.SYSTEM:
        return Path("/etc/systemd/system") / f"{service.name}.service"
    return Path.home() / ".config/systemd/user" / f"{service.name}.service"


def systemctl(service: Service, *words: str) -> list[str]:
    """A command of systemctl about this service's manager."""
    user = ["--user"] if service.scope is Scope.USER else []
    return ["systemctl", *user, *words]


def to_install(service: Service) -> list[list[str]]:
    """What has to be run once the file is there."""
    unit = f"{service.name}.service"
    return [
        systemctl(service, "daemon-reload"),
        systemctl(service, "enable", "--now", unit),
    ]


def to_uninstall(service: Service) -> list[list[str]]:
    """What has to be run before the file goes, and the last of it after."""
    unit = f"{service.name}.service"
    return [systemctl(service, "disable", "--now", unit), systemctl(service, "daemon-reload")]


def to_ask(service: Service) -> list[str]:
    """What says how the service is, in lines of NAME=VALUE."""
    names = "ActiveState,SubState,Result,UnitFileState,MainPID,NRestarts"
    return systemctl(service, "show", f"{service.name}.service", f"--property={names}")
