"""The daemon: whether the one that holds the home lives, is this version, and is kept running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psutil

from harness import __version__
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.install import placing
from harness.install.service import MARK, Scope, manager_here, service_of
from harness.services.lock import silence

SILENCE_SECONDS = 30.0  # a daemon beats once a second


def daemon(patient: Patient) -> Iterator[Finding]:
    """The daemon beats, if there is one, and is of this version."""
    facts = patient.daemon
    if facts is None:
        yield Finding(Level.HINT, "the crew does not run", "harness up")
        return
    pid = facts.get("pid")
    silent = silence(patient.home)
    if silent > SILENCE_SECONDS:
        yield Finding(
            Level.ERROR,
            f"process {pid} holds the home and has given no sign of life for"
            f" {timedelta(seconds=round(silent))}",
            waking(pid),
        )
    version = facts.get("version")
    if version not in (None, __version__):
        yield Finding(
            Level.WARNING,
            f"the crew that runs is version {version}, this one {__version__}",
            "start it anew: harness down; harness up",
        )


def waking(pid: object) -> str:
    """What brings a daemon that stands still back, or ends it."""
    if not isinstance(pid, int):
        return "find out who holds it: lsof .harness/lock"
    end = f"end it and start anew: kill -9 {pid}; harness up"
    try:
        stopped = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return end
    return f"it was stopped; let it go on: kill -CONT {pid}" if stopped else end


def service(patient: Patient) -> Iterator[Finding]:
    """The unit file is in date, where the crew runs as a service."""
    for scope in Scope:
        unit = service_of(patient.home, scope, manager_here())
        file = placing.file_of(unit)
        if not file.exists() or MARK not in file.read_text(errors="replace"):
            continue
        for hint in placing.standing(unit).hints:
            told, _, command = hint.partition(": ")
            here = " --system" if scope is Scope.SYSTEM and command.endswith(" install") else ""
            yield Finding(Level.WARNING, f"{file}: {told}", f"{command}{here}")
