"""How the bus's words look as rows of SQLite, both ways. Knows no statement."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from harness.bus.port import (
    Approval,
    ApprovalState,
    Delivery,
    DeliveryState,
    Effect,
    EffectState,
    Event,
    Incident,
    JobState,
    Note,
    Outcome,
    Priority,
    Recovered,
    Recovery,
    Result,
    Slot,
    SlotStatus,
    Stamp,
    State,
    Task,
)
from harness.clock import stamp, unstamp
from harness.text.surrogates import whole

Row = tuple[Any, ...]

NOT_YET = {"outcome", "lease_until", "owner", "result", "error", *Stamp}  # null in a new request

# columns are named, and stand in these rows, like the fields that they fill
TASK_COLUMNS = tuple(field.name for field in fields(Task))
# what a task has from its first moment on
REQUEST_COLUMNS = tuple(field.name for field in fields(Task) if field.name not in NOT_YET)
TIMES = (
    *("created_at", "updated_at", "not_before", "deadline", "lease_until"),
    *(which.value for which in Stamp),
)
EVENT_COLUMNS = tuple(field.name for field in fields(Event))
NOTE_COLUMNS = tuple(field.name for field in fields(Note))
SLOT_COLUMNS = tuple(field.name for field in fields(Slot))
JOB_COLUMNS = tuple(field.name for field in fields(JobState))
DELIVERY_COLUMNS = tuple(field.name for field in fields(Delivery))
EFFECT_COLUMNS = tuple(field.name for field in fields(Effect))
RECOVERY_COLUMNS = tuple(field.name for field in fields(Recovery))
INCIDENT_COLUMNS = tuple(field.name for field in fields(Incident))
APPROVAL_COLUMNS = tuple(field.name for field in fields(Approval))


def task_of(row: Row) -> Task:
    values = dict(zip(TASK_COLUMNS, row, strict=True))
    values["state"] = State(values["state"])
    values["outcome"] = values["outcome"] and Outcome(values["outcome"])
    values["priority"] = Priority(values["priority"])
    for name in TIMES:
        if values[name] is not None:
            values[name] = unstamp(values[name])
    values["timeout"] = timedelta(milliseconds=values["timeout"])
    values["result"] = values["result"] and Result(**json.loads(values["result"]))
    values["deliver"] = tuple(json.loads(values["deliver"]))
    values["callback"] = bool(values["callback"])
    values["payload"] = json.loads(values["payload"])
    return Task(**values)


def values_of_request(task: Task) -> dict[str, Any]:
    """What the row of a new task holds, by column."""
    return vars(task) | {
        "state": task.state.value,
        "priority": task.priority.value,
        "created_at": stamp(task.created_at),
        "updated_at": stamp(task.updated_at),
        "not_before": stamp(task.not_before),
        "deadline": stamp(task.deadline) if task.deadline is not None else None,
        "timeout": milliseconds(task.timeout),
        "deliver": json_text(list(task.deliver)),
        "payload": whole(json_text(dict(task.payload))),
    }


MARKS = ("outside", "private")  # of a result whose session had read a stranger's words


def result_text(result: Result) -> str:
    values = vars(result)
    if not result.outside:  # mostly so
        values = {name: value for name, value in values.items() if name not in MARKS}
    return whole(json_text(values))


# `json.dumps` would build an encoder for every call
json_text: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, default=str).encode


def milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))


def event_of(row: Row) -> Event:
    seq, task, state, outcome, attempt, actor, at, note = row
    ended = Outcome(outcome) if outcome else None
    return Event(seq, task, State(state), ended, attempt, actor, unstamp(at), note)


def note_of(row: Row) -> Note:
    number, task, sender, text, at = row
    return Note(number, task, sender, text, unstamp(at))


def slot_of(row: Row) -> Slot:
    job, slot, status, fired_at, lateness, task, note = row
    return Slot(
        job,
        unstamp(slot),
        SlotStatus(status),
        unstamp(fired_at),
        timedelta(milliseconds=lateness),
        task,
        note,
    )


def job_of(row: Row) -> JobState:
    job, fingerprint, since, paused = row
    return JobState(job, fingerprint, unstamp(since), bool(paused))


def effect_of(row: Row) -> Effect:
    task, call, tool, state, attempt, at, text = row
    return Effect(task, call, tool, EffectState(state), attempt, unstamp(at), text)


def recovery_of(row: Row) -> Recovery:
    at, kind, subject, note = row
    return Recovery(unstamp(at), Recovered(kind), subject, note)


def incident_of(row: Row) -> Incident:
    subject, failures, since, alerted_at, task = row
    began, told = (unstamp(at) if at else None for at in (since, alerted_at))
    return Incident(subject, failures, began, told, task)


def approval_of(row: Row) -> Approval:
    values = dict(zip(APPROVAL_COLUMNS, row, strict=True))
    values["state"] = ApprovalState(values["state"])
    for name in ("asked_at", "expires_at", "decided_at"):
        values[name] = unstamp(values[name]) if values[name] else None
    return Approval(**values)


def delivery_of(row: Row) -> Delivery:
    task, channel, state, attempts, at, note = row
    return Delivery(task, channel, DeliveryState(state), attempts, unstamp(at), note)
