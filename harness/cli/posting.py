"""The bus as a command writes to it, with the daemon or without."""

from __future__ import annotations

import getpass
import os

from harness.audit.line import Deed
from harness.audit.log import AuditLog
from harness.bus.sync import SyncBus
from harness.cli.output import note
from harness.clock import SystemClock, stamp
from harness.config.home import Home
from harness.ids import Ids
from harness.text.secrets import Redactor


def open_bus(home: Home) -> SyncBus:
    """To be used in a `with` block. Raises SchemaTooNew (78), HarnessError."""
    clock = SystemClock()
    return SyncBus(home, clock, Ids(clock))


def audit(home: Home, action: str, *targets: str, **details: object) -> None:
    """Write to the audit what a person did, one line for each target; what was done stays
    done when that fails, and stderr says so."""
    at, actor = stamp(SystemClock().now()), f"person:{login_name()}"
    deeds = [Deed(at, actor, action, target, details) for target in targets]
    try:
        AuditLog(home.audit, Redactor.knowing(os.environ)).append(deeds)
    except OSError as error:
        note(f"done, and not written to the audit: {error}")


def login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return str(os.getuid())
