"""What the database remembers of the jobs of cron.yaml: their slots, and whether they rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows, transitions
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import Due, JobState, Slot, SlotStatus, State, Task
from harness.bus.runs import note_of
from harness.bus.tables import jobs, slots, tasks
from harness.bus.transaction import Transaction
from harness.clock import stamp
from harness.config.cronfile import Overlap

PAUSED: dict[str, Any] = {"status": SlotStatus.SKIPPED, "request": None, "note": "paused"}
BUSY: dict[str, Any] = {
    "status": SlotStatus.SKIPPED,
    "request": None,
    "note": "the task before is not over",
}


def settle(
    tx: Transaction, job: str, dues: Sequence[Due], overlap: Overlap
) -> list[tuple[Slot, Task | None]]:
    """Write how due slots end, oldest first, those that fire with their requests.

    A paused job skips them all; one that is busy goes by `overlap`. A slot that is there
    already is returned as it is, with its task: nothing fires twice.
    """
    if is_paused(tx, job):
        return let_go(tx, job, [replace(due, **PAUSED) for due in dues])
    written: list[tuple[Slot, Task | None]] = []
    for fires, group in groupby(dues, key=lambda due: due.request is not None):
        some = list(group)
        written += [fire(tx, job, due, overlap) for due in some] if fires else let_go(tx, job, some)
    return written


def fire(tx: Transaction, job: str, due: Due, overlap: Overlap) -> tuple[Slot, Task | None]:
    """Ask for what is due, unless the job is busy and lets the slot go."""
    known = tx.row(known_slot(), {"job": job, "slot": stamp(due.slot)})
    if known is not None:
        before = rows.slot_of(known)
        return before, transitions.load(tx, before.task) if before.task else None
    if due.request is None or not make_room(tx, job, due.request.sender, overlap):
        return let_go(tx, job, [replace(due, **BUSY)])[0]
    key = f"cron:{job}:{stamp(due.slot)}"
    task = transitions.request(tx, replace(due.request, job=job, key=key))
    slot = replace(slot_of(tx, job, due), task=task.id)
    tx.db.execute(insert_slot(), values_of(slot))
    return slot, task


def let_go(tx: Transaction, job: str, dues: Iterable[Due]) -> list[tuple[Slot, Task | None]]:
    """Write slots that ask for nothing; those that have a row keep it."""
    slots = [slot_of(tx, job, due) for due in dues]
    tx.db.executemany(insert_slot(), [values_of(slot) for slot in slots])
    return [(slot, None) for slot in slots]


def make_room(tx: Transaction, job: str, actor: str, overlap: Overlap) -> bool:
    """Whether the job may ask again, with its older tasks treated as `overlap` says."""
    if overlap is Overlap.QUEUE:
        return True
    older = [task_id for (task_id,) in tx.rows(open_tasks(), {"job": job})]
    if overlap is Overlap.SKIP:
        return not older
    for task_id in older:
        transitions.cancel(tx, task_id, actor=actor, note="replaced by a later slot")
    return True


def is_paused(tx: Transaction, job: str) -> bool:
    known = tx.row(state_of_job(), {"job": job})
    return known is not None and rows.job_of(known).paused


def slot_of(tx: Transaction, job: str, due: Due) -> Slot:
    note = note_of(due.note or "", due.count, due.first) if due.first else due.note
    return Slot(job, due.slot, due.status, tx.now, due.lateness, None, note)


def values_of(slot: Slot) -> dict[str, Any]:
    return vars(slot) | {
        "slot": stamp(slot.slot),
        "status": slot.status.value,
        "fired_at": stamp(slot.fired_at),
        "lateness": rows.milliseconds(slot.lateness),
    }


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
    new = sqlite.insert(slots).values(all_given(slots))
    return new.on_conflict_do_nothing(index_elements=["job", "slot"])


@compiled
def open_tasks() -> ClauseElement:
    return select(tasks.c.id).where(
        tasks.c.job == given("job"), tasks.c.state.in_([State.REQUEST, State.CONFIRMED])
    )


@compiled
def state_of_job() -> ClauseElement:
    return select(*jobs.c).where(jobs.c.job == given("job"))


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
