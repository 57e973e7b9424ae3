"""The database: whole, readable by this version, and not swollen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from harness.db.connection import connect, explained
from harness.db.integrity import Damaged
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.errors import Held

MIB = 1 << 20
COMPANIONS = ("-wal", "-shm")
SWOLLEN = 64 * MIB  # of the write-ahead log; it is folded back each 4 MiB when nobody prevents it


def database(patient: Patient) -> Iterator[Finding]:
    """The database is whole and of this version."""
    home, fault = patient.home, patient.database_fault
    if fault is None:
        aside = sorted(home.state.glob(f"{home.database.name}.damaged-*"))
        if aside:
            names = ", ".join(path.name for path in aside if not path.name.endswith(COMPANIONS))
            yield Finding(
                Level.HINT,
                f"copies of a damaged database are kept: {names}",
                f"remove them from {home.state} once you need them no more",
            )
        return
    fix = fault.hint or f"see what is there: ls -l {home.state}"
    if isinstance(fault, Damaged):
        stop = "harness down; " if patient.daemon is not None else ""
        fix = (
            f"take back a backup: {stop}harness restore FILE; or, to begin anew and lose the"
            f" queue, remove {home.database.name}, -wal and -shm from {home.state}"
        )
    yield Finding(Level.ERROR, str(fault), fix)


def wal(patient: Patient) -> Iterator[Finding]:
    """The write-ahead log is small."""
    path = patient.home.database
    log = path.with_name(f"{path.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > SWOLLEN and patient.database_fault is None:
        yield Finding(
            Level.WARNING,
            f"{log.name} has {size // MIB} MiB: a reader that stays open keeps it from shrinking",
            f"see who has it open: lsof {path}",
            partial(fold, path),
        )


def fold(path: Path) -> str:
    """Write the log back into the database. Raises HarnessError."""
    with explained(path), closing(connect(path)) as db:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Held(f"somebody reads {path.name} right now", hint=f"lsof {path}")
    return f"{path.name}-wal was written back into {path.name}"
