"""The home: what people edit, who may read what the crew keeps, and what crashes left."""

from __future__ import annotations

from collections.abc import Iterator

from harness.audit.verify import verify
from harness.bus.port import SlotStatus
from harness.bus.reader import Reader
from harness.config.crontab import Crontab
from harness.config.job import Job
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.errors import ConfigError, Problem
from harness.tools.web_search import KEY_VARIABLE

SHOWN = 5  # places of one kind that a message names
SEARCH = "web_search"


def files(patient: Patient) -> Iterator[Finding]:
    """Every file that a person edits is in order."""
    found = patient.files
    for problem in found.problems:
        yield Finding(Level.ERROR, f"{problem.where}: {problem.message}", edit_of(problem))
    for warning in () if isinstance(found, ConfigError) else found.warnings:
        yield Finding(Level.WARNING, warning, "edit it; harness agents lint tells the same")


def edit_of(problem: Problem) -> str:
    hint = f": {problem.hint}" if problem.hint else ""
    if problem.line:
        return f"edit {problem.path}, line {problem.line}{hint}"
    return problem.hint or f"put {problem.path} in order"


def jobs(patient: Patient) -> Iterator[Finding]:
    """Every job that is enabled will fire."""
    crontab = patient.crontab
    never = {
        job.id: why for job in crontab.jobs.values() if (why := resting(job, crontab, patient))
    }
    with patient.reader() as reader:
        known = reader.jobs()
        for name, why in never.items():
            fired = ended_well(crontab.jobs[name], reader)
            yield Finding(
                Level.HINT if fired else Level.WARNING,
                f"job {name} fires no more: {why}" if fired else f"job {name} never fires: {why}",
                f"edit {patient.home.cron_file}: remove {name}, or change when it fires",
            )
    for name, state in known.items():
        if state.paused and name in crontab.jobs:
            yield Finding(Level.HINT, f"job {name} is paused", f"harness cron resume {name}")


def resting(job: Job, crontab: Crontab, patient: Patient) -> str | None:
    """Why an enabled job will not fire again, or None."""
    if not job.enabled:
        return None
    if job.line.after is not None:
        return waits_in_vain(job, crontab, patient)
    if next(job.slots(patient.now), None) is not None:
        return None
    return f"{job.schedule} has passed" if job.at is not None else f"{job.schedule} never comes"


def waits_in_vain(job: Job, crontab: Crontab, patient: Patient) -> str | None:
    """Which of the jobs before it has no more slots: its round is then never over."""
    for name in job.line.after or []:
        before = crontab.jobs[name]
        if not before.enabled:
            return f"it waits for {name}, which is not enabled"
        if resting(before, crontab, patient):
            return f"it waits for {name}, which fires no more"
    return None


def ended_well(job: Job, reader: Reader) -> bool:
    """Whether its last slot fired: a job that did its one duty is no problem."""
    last = reader.last_slot(job.id)
    return last is not None and last.status is SlotStatus.FIRED


def search(patient: Patient) -> Iterator[Finding]:
    """Web search has its key, where an agent may search."""
    profiles = patient.crew.profiles
    searching = [name for name, each in profiles.items() if SEARCH in each.front.tool_names]
    if searching and not patient.environment.get(KEY_VARIABLE, "").strip():
        yield Finding(
            Level.HINT,
            f"{', '.join(searching)} may use {SEARCH}, and {KEY_VARIABLE} is not set: they go"
            " on without it",
            f"set {KEY_VARIABLE} in the environment of the daemon",
        )


def audit(patient: Patient) -> Iterator[Finding]:
    """The audit is what was written."""
    report = verify(patient.home.audit)
    fix = "see all of it: harness audit verify; compare with a backup of an earlier day"
    for each in report.findings[:SHOWN]:
        yield Finding(Level.ERROR, f"{each.file}:{each.line}: {each.message}", fix)
    if (more := len(report.findings) - SHOWN) > 0:
        yield Finding(Level.ERROR, f"and {more} more places of the audit", fix)
    for remark in report.notes:
        yield Finding(Level.HINT, remark, "harness audit verify")
