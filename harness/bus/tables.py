"""The tables of the bus as SQLModel sees them, for the statements that write.

The schema itself, indexes included, is the history in `migrations/`; a test compares the two.
Times are the text of `clock.stamp`, durations whole milliseconds, lists and maps JSON.
"""

from __future__ import annotations

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class BusTable(SQLModel, registry=registry()):
    """A table of the bus; none of another room gets among them."""


class TaskRow(BusTable, table=True):
    """One `port.Task`, and what only the store needs to know of it."""

    __tablename__ = "tasks"

    id: str = Field(primary_key=True)
    agent: str
    lane: str
    sender: str
    title: str
    prompt: str
    state: str
    outcome: str | None
    attempt: int
    max_attempts: int
    priority: str
    key: str | None
    parent: str | None = Field(foreign_key="tasks.id")
    root: str
    job: str | None
    created_at: str
    updated_at: str
    not_before: str
    deadline: str | None
    timeout: int
    lease_until: str | None
    owner: str | None
    result: str | None
    error: str | None
    deliver: str
    callback: bool
    payload: str
    delivered_at: str | None
    called_back_at: str | None
    learned_at: str | None
    budget: int
    failures: int


class FinalsRow(BusTable, table=True):
    """How many tasks of a lane are final."""

    __tablename__ = "finals"

    lane: str = Field(primary_key=True)
    number: int


class EventRow(BusTable, table=True):
    """One `port.Event`."""

    __tablename__ = "events"

    seq: int = Field(primary_key=True)
    task: str = Field(foreign_key="tasks.id")
    state: str
    outcome: str | None
    attempt: int
    actor: str
    at: str
    note: str | None


class NoteRow(BusTable, table=True):
    """One `port.Note`, and the attempt that read it."""

    __tablename__ = "notes"

    id: int = Field(primary_key=True)
    task: str = Field(foreign_key="tasks.id")
    sender: str
    text: str
    at: str
    attempt: int | None


class SlotRow(BusTable, table=True):
    """One `port.Slot`."""

    __tablename__ = "slots"

    job: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    status: str
    fired_at: str
    lateness: int
    task: str | None = Field(foreign_key="tasks.id")
    note: str | None


class JobRow(BusTable, table=True):
    """One `port.JobState`."""

    __tablename__ = "jobs"

    job: str = Field(primary_key=True)
    fingerprint: str
    since: str
    paused: bool


class DeliveryRow(BusTable, table=True):
    """One `port.Delivery`."""

    __tablename__ = "deliveries"

    task: str = Field(primary_key=True, foreign_key="tasks.id")
    channel: str = Field(primary_key=True)
    state: str
    attempts: int
    at: str
    note: str | None


class EffectRow(BusTable, table=True):
    """One `port.Effect`."""

    __tablename__ = "effects"

    task: str = Field(primary_key=True, foreign_key="tasks.id")
    call: str = Field(primary_key=True)
    tool: str
    state: str
    attempt: int
    at: str
    text: str | None


class RecoveryRow(BusTable, table=True):
    """One `port.Recovery`."""

    __tablename__ = "recoveries"

    seq: int = Field(primary_key=True)
    at: str
    kind: str
    subject: str
    note: str


class IncidentRow(BusTable, table=True):
    """One `port.Incident`."""

    __tablename__ = "incidents"

    subject: str = Field(primary_key=True)
    failures: int
    since: str | None
    alerted_at: str | None
    task: str | None = Field(foreign_key="tasks.id")


class CursorRow(BusTable, table=True):
    """How far a reader of the event log has come."""

    __tablename__ = "cursors"

    reader: str = Field(primary_key=True)
    seq: int


class ApprovalRow(BusTable, table=True):
    """One `port.Approval`."""

    __tablename__ = "approvals"

    id: str = Field(primary_key=True)
    task: str = Field(foreign_key="tasks.id")
    agent: str
    tool: str
    call: str
    shown: str
    reason: str
    state: str
    asked_at: str
    expires_at: str
    decided_at: str | None
    decided_by: str | None
    note: str | None


TABLES = BusTable.metadata.tables
tasks, finals, events, notes = (TABLES[name] for name in ("tasks", "finals", "events", "notes"))
slots, jobs, deliveries = (TABLES[name] for name in ("slots", "jobs", "deliveries"))
effects, recoveries = TABLES["effects"], TABLES["recoveries"]
incidents, cursors = TABLES["incidents"], TABLES["cursors"]
approvals = TABLES["approvals"]
