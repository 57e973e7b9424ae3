"""What the database remembers of the jobs of cron.yaml: their slots, and whether they rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from harness.bus import rows, statements, transitions
from harness.bus.port import JobState, Request, Slot, SlotStatus, Task
from harness.bus.transaction import Transaction
from harness.clock import stamp


def record_slot(
    tx: Transaction,
    job: str,
    slot: datetime,
    status: SlotStatus,
    *,
    lateness: timedelta = timedelta(0),
    request: Request | None = None,
    note: str | None = None,
) -> tuple[Slot, Task | None]:
    """Write how a slot ended, and its request if it fired, both or neither.

    A slot that is there already is returned as it is, with its task: nothing fires twice.
    The request gets the job and the key `cron:<job>:<slot>`.
    """
    known = tx.row(statements.slot(), {"job": job, "slot": stamp(slot)})
    if known is not None:
        before = rows.slot_of(known)
        return before, transitions.load(tx, before.task) if before.task else None
    task = None
    if request is not None:
        wish = replace(request, job=job, key=f"cron:{job}:{stamp(slot)}")
        task = transitions.request(tx, wish)
    task_id = task.id if task is not None else None
    values = {
        "job": job,
        "slot": stamp(slot),
        "status": status.value,
        "fired_at": tx.at,
        "lateness": rows.milliseconds(lateness),
        "task": task_id,
        "note": note,
    }
    tx.db.execute(statements.new_slot(), values)
    return Slot(job, slot, status, tx.now, lateness, task_id, note), task


def set_job(tx: Transaction, state: JobState) -> JobState:
    """Remember a job's schedule; returns what is remembered now.

    Whether a known job is paused stays as it is: only `pause` changes that, so that a
    reload of the schedule cannot undo it.
    """
    return written(tx, statements.set_job(), state)


def pause(tx: Transaction, job: str, *, paused: bool = True) -> JobState:
    """Let a job rest, or go on; one that no scheduler has met yet has no fingerprint."""
    return written(tx, statements.pause_job(), JobState(job, "", tx.now, paused))


def written(tx: Transaction, statement: str, state: JobState) -> JobState:
    values = {
        "job": state.job,
        "fingerprint": state.fingerprint,
        "since": stamp(state.since),
        "paused": state.paused,
    }
    return rows.job_of(tx.rows(statement, values)[0])
