"""The machine: what runs the crew, the disk under it, and the clock on the wall."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from harness.bus.port import Recovered
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient

PYTHON = (3, 11)
SQLITE = (3, 35, 0)  # the first with RETURNING
MIB = 1 << 20
SCARCE = 100 * MIB  # a day of a busy crew does not fit into less
TIGHT = 1024 * MIB
EARLIEST, LATEST = 2026, 2100  # years; the first version is of 2026
AHEAD = timedelta(minutes=1)  # a file written so far in the future tells of a clock set back
DAY = timedelta(days=1)


def python(patient: Patient) -> Iterator[Finding]:
    """Python is new enough."""
    if patient.machine.python < PYTHON:
        yield Finding(
            Level.ERROR,
            f"Python {dotted(patient.machine.python)} is too old: {dotted(PYTHON)} is needed",
            f"make a new environment: python{dotted(PYTHON)} -m venv .venv",
        )


def sqlite(patient: Patient) -> Iterator[Finding]:
    """SQLite is new enough."""
    if patient.machine.sqlite < SQLITE:
        yield Finding(
            Level.ERROR,
            f"SQLite {dotted(patient.machine.sqlite)} is too old: {dotted(SQLITE)} is needed",
            "use a Python that was built with a newer one",
        )


def disk(patient: Patient) -> Iterator[Finding]:
    """The disk of the home has room and may be written."""
    root, state = patient.home.root, patient.home.state
    free = patient.machine.free(root)
    if free < TIGHT:
        level = Level.ERROR if free < SCARCE else Level.WARNING
        yield Finding(level, f"{free // MIB} MiB are free on the disk of {root}", f"df -h {root}")
    place = state if state.exists() else root
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(
            Level.ERROR,
            f"nothing can be written in {place}: the crew cannot run",
            f"see who owns it and how it is mounted: ls -ld {place}; findmnt -T {place}",
        )


def clock(patient: Patient) -> Iterator[Finding]:
    """The clock shows a plausible time and went steadily."""
    now, fix = patient.now, "set it: sudo timedatectl set-ntp true"
    if not EARLIEST <= now.year < LATEST:
        yield Finding(Level.ERROR, f"the clock shows {now:%Y-%m-%d %H:%M} UTC", fix)
        return
    for path in (patient.home.lock, patient.home.database):
        if path.exists() and (ahead := written(path.stat().st_mtime) - now) > AHEAD:
            span = timedelta(seconds=round(ahead.total_seconds()))
            yield Finding(
                Level.WARNING,
                f"{path.name} was written {span} ahead of now: the clock was set back, or is wrong",
                fix,
            )
            break
    with patient.reader() as reader:
        jumps = [r for r in reader.recoveries(now - DAY) if r.kind is Recovered.CLOCK]
    if jumps:
        times = "once" if len(jumps) == 1 else f"{len(jumps)} times"
        yield Finding(
            Level.HINT,
            f"the clock jumped {times} in the last day; the last time it {jumps[0].note}",
            "no slot is lost or fired twice by it; a machine that sleeps does this",
        )


def written(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
