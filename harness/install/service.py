"""What a service manager has to know to run one home, and where its file lies."""

from __future__ import annotations

import hashlib
import os
import pwd
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness.config.home import Home

MARK = "made by harness"  # a file without it is somebody else's, and is not touched
STOP_SECONDS = 150  # the daemon stops in four stages of at most 30 s (services/supervisor.py)
START_SECONDS = 300  # a migration of a large database may take its time
WATCHDOG_SECONDS = 60
RESTART_SECONDS = 5


class Manager(StrEnum):
    """Who keeps the daemon running."""

    SYSTEMD = "systemd"
    LAUNCHD = "launchd"


class Scope(StrEnum):
    """Whose service it is."""

    USER = "user"  # of the one who installs it, while logged in or lingering
    SYSTEM = "system"  # of the machine, from its start on; needs root


@dataclass(frozen=True)
class Service:
    """One home as a service. `program` is run without a shell."""

    home: Path
    scope: Scope
    manager: Manager
    program: tuple[str, ...]
    account: str  # that the daemon runs as; a system service does not run as root
    readable: tuple[Path, ...]  # what the program itself is made of

    @property
    def name(self) -> str:
        """`harness`, and for a home elsewhere than `~/harness` a part that tells it from others."""
        if self.home.name == "harness":
            return "harness"
        tail = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:6]
        kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in self.home.name)
        return f"harness-{kept.strip('-') or 'home'}-{tail}"


def service_of(home: Home, scope: Scope, manager: Manager) -> Service:
    """The service of a home as this very program would run it."""
    package = Path(__file__).resolve().parent.parent
    parts = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package.parent}
    return Service(
        home=home.root,
        scope=scope,
        manager=manager,
        program=(sys.executable, "-m", "harness", "up", "--home", str(home.root)),
        account=pwd.getpwuid(home.root.stat().st_uid).pw_name,
        readable=tuple(sorted(parts)),
    )


def manager_here() -> Manager:
    return Manager.LAUNCHD if sys.platform == "darwin" else Manager.SYSTEMD
