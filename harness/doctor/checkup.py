"""The checkup: every check in turn, none of which keeps another from looking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.doctor import (
    daemon,
    database,
    feeds,
    home,
    hooks,
    ledger,
    leftovers,
    limits,
    machine,
    memory,
    models,
    orders,
    permissions,
    tasks,
)
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient, Unseen
from harness.errors import HarnessError, explained

REPORT = "report it with what is said here"
Check = Callable[[Patient], Iterator[Finding]]

# the first line of a check's docstring is what is said when there is nothing to say
CHECKS: Mapping[str, Check] = {
    "python": machine.python,
    "sqlite": machine.sqlite,
    "disk": machine.disk,
    "clock": machine.clock,
    "permissions": permissions.permissions,
    "orders": orders.orders,
    "files": home.files,
    "jobs": home.jobs,
    "search": home.search,
    "leftovers": leftovers.leftovers,
    "database": database.database,
    "wal": database.wal,
    "ledger": ledger.ledger,
    "audit": home.audit,
    "memory": memory.memory,
    "daemon": daemon.daemon,
    "service": daemon.service,
    "hooks": hooks.hooks,
    "leases": tasks.leases,
    "waiting": tasks.waiting,
    "dead": tasks.dead,
    "approvals": tasks.approvals,
    "failing": tasks.failing,
    "recoveries": tasks.recoveries,
    "feeds": feeds.feeds,
    "ollama": models.ollama,
    "endpoints": models.endpoints,
    "context": models.context,
    "gpu": models.gpu,
    "limits": limits.limits,
}


def examine(
    patient: Patient, names: Iterable[str] = CHECKS, checks: Mapping[str, Check] = CHECKS
) -> list[Finding]:
    """What the named checks find, in their order; each says at least that all is well.

    Raises nothing for what a check does: one that breaks is itself a finding.
    """
    return [
        replace(finding, check=name) for name in names for finding in look(checks[name], patient)
    ]


def look(check: Check, patient: Patient) -> Iterator[Finding]:
    silent = True
    try:
        for finding in check(patient):
            silent = False
            yield finding
    except Unseen as reason:
        yield Finding(Level.HINT, f"not looked at: {reason}")
    except Exception as error:  # the boundary: the other checks look all the same
        yield broken(error)
    else:
        if silent:
            yield Finding(Level.OK, about(check).rstrip("."))


def broken(error: Exception) -> Finding:
    """What a check could not do, as a finding."""
    match error:
        case HarnessError():
            return Finding(Level.ERROR, str(error), error.hint or REPORT)
        case OSError():
            known = explained(error)
            where = f"see what is there: ls -ld {error.filename}" if error.filename else REPORT
            return Finding(Level.ERROR, str(known), known.hint or where)
        case _:
            told = f"this check broke: {type(error).__name__}: {error}"
            return Finding(Level.ERROR, told, REPORT)


def about(check: Check) -> str:
    """What holds when the check finds nothing."""
    return (check.__doc__ or "").partition("\n")[0]


def mend(findings: Sequence[Finding]) -> list[Finding]:
    """Do every repair that is safe: what was changed, or why it could not be, for each."""
    return [mended(finding) for finding in findings if finding.repair is not None]


def mended(finding: Finding) -> Finding:
    assert finding.repair is not None
    try:
        return Finding(Level.FIXED, finding.repair(), check=finding.check)
    except (HarnessError, OSError) as error:
        why = broken(error)
        told = f"the repair failed: {why.message}"
        return Finding(Level.ERROR, told, why.fix, check=finding.check)
