"""What the database remembers of the jobs of cron.yaml: their slots, and whether they rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows, transitions
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import JobState, Request, Slot, SlotStatus, Task
from harness.bus.tables import jobs, slots
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
    known = tx.row(known_slot(), {"job": job, "slot": stamp(slot)})
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
    tx.db.execute(insert_slot(), values)
    return Slot(job, slot, status, tx.now, lateness, task_id, note), task


def set_job(tx: Transaction, state: JobState) -> JobState:
    """Remember a job's schedule; returns what is remembered now.

    Whether a known job is paused stays as it is: only `pause` changes that, so that a
    reload of the schedule cannot undo it.
    """
    return written(tx, upsert_schedule(), state)


def pause(tx: Transaction, job: str, *, paused: bool = True) -> JobState:
    """Let a job rest, or go on; one that no scheduler has met yet has no fingerprint."""
    return written(tx, upsert_pause(), JobState(job, "", tx.now, paused))


def written(tx: Transaction, statement: str, state: JobState) -> JobState:
    values = {
        "job": state.job,
        "fingerprint": state.fingerprint,
        "since": stamp(state.since),
        "paused": state.paused,
    }
    return rows.job_of(tx.rows(statement, values)[0])


@compiled
def known_slot() -> ClauseElement:
    return select(*listed(slots, rows.SLOT_COLUMNS)).where(
        slots.c.job == given("job"), slots.c.slot == given("slot")
    )


@compiled
def insert_slot() -> ClauseElement:
    return insert(slots).values(all_given(slots))


@compiled
def upsert_schedule() -> ClauseElement:
    """The schedule's part of a job; `paused` counts only for a job that is new here."""
    new = sqlite.insert(jobs).values(all_given(jobs))
    schedule = {"fingerprint": given("fingerprint"), "since": given("since")}
    return new.on_conflict_do_update(index_elements=["job"], set_=schedule).returning(*jobs.c)


@compiled
def upsert_pause() -> ClauseElement:
    new = sqlite.insert(jobs).values(all_given(jobs))
    return new.on_conflict_do_update(
        index_elements=["job"], set_={"paused": given("paused")}
    ).returning(*jobs.c)
