"""The ledger of model calls: whole, and of this version."""

from __future__ import annotations

from collections.abc import Iterator

from harness.db.integrity import fault_of
from harness.doctor.database import COMPANIONS
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.errors import HarnessError
from harness.models.ledger.reader import LedgerReader

ANEW = "it is put aside and begun anew by itself: at the next write, or at harness up"


def ledger(patient: Patient) -> Iterator[Finding]:
    """The ledger of model calls is whole and of this version."""
    path = patient.home.ledger
    aside = sorted(path.parent.glob(f"{path.name}.damaged-*"))
    if aside:
        names = ", ".join(each.name for each in aside if not each.name.endswith(COMPANIONS))
        told = f"damaged ledgers were put aside: {names}; limits counted from zero since then"
        yield Finding(
            Level.HINT, told, f"remove them from {path.parent} once you need them no more"
        )
    if not path.exists():
        return
    if fault := fault_of(path):
        told = f"{path.name} is damaged: {fault}; calls go on, and limits count from zero"
        yield Finding(Level.WARNING, told, ANEW)
        return
    try:
        LedgerReader(path).close()
    except HarnessError as error:
        fix = error.hint or f"see what is there: ls -l {path.parent}"
        yield Finding(Level.WARNING, f"calls of models are not written down: {error}", fix)
