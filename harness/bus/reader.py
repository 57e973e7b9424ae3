"""Every question about the bus that changes nothing.

The daemon and the reading commands share it. It knows plain `sqlite3` alone: a command that
only looks must not wait for SQLAlchemy to be imported.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from harness.bus import rows
from harness.bus.port import (
    Approval,
    ApprovalState,
    Delivery,
    Event,
    Incident,
    JobState,
    Note,
    Recovery,
    Slot,
    Stamp,
    State,
    Task,
)
from harness.bus.rows import Row
from harness.bus.schema import open_to_read
from harness.clock import stamp, unstamp
from harness.closing import Closing
from harness.db.connection import explained
from harness.errors import NotFound
from harness.ids import earliest_id

T = TypeVar("T")

AFTER_ANY_ID = "~"  # sorts behind every character of an id


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


TASKS = f"SELECT {quoted(rows.TASK_COLUMNS)} FROM tasks"
EVENTS = f"SELECT {quoted(rows.EVENT_COLUMNS)} FROM events"
SLOTS = f"SELECT {quoted(rows.SLOT_COLUMNS)} FROM slots"
JOBS = f"SELECT {quoted(rows.JOB_COLUMNS)} FROM jobs"
RECOVERIES = f"SELECT {quoted(rows.RECOVERY_COLUMNS)} FROM recoveries"
INCIDENTS = f"SELECT {quoted(rows.INCIDENT_COLUMNS)} FROM incidents"
APPROVALS = f"SELECT {quoted(rows.APPROVAL_COLUMNS)} FROM approvals"
DELIVERIES = f"SELECT {quoted(rows.DELIVERY_COLUMNS)} FROM deliveries"

# `Approval.at` in SQL
AS_OF_NOW = (
    "CASE WHEN state IN ('pending', 'approved') AND expires_at <= :now THEN 'expired'"
    " ELSE state END"
)

# each is the condition of an index, word for word
OWED = {
    Stamp.DELIVERED: "delivered_at IS NULL AND state = 'final' AND deliver <> '[]'",
    Stamp.CALLED_BACK: "called_back_at IS NULL AND callback AND state IN ('final', 'dead')",
    Stamp.LEARNED: "learned_at IS NULL AND state IN ('final', 'dead')",
}

COUNTS = """
    SELECT lane, 'request', count(*) FROM tasks WHERE state = 'request' GROUP BY lane
    UNION ALL
    SELECT lane, 'confirmed', count(*) FROM tasks WHERE state = 'confirmed' GROUP BY lane
    UNION ALL
    SELECT lane, 'dead', count(*) FROM tasks WHERE state = 'dead' GROUP BY lane
    UNION ALL
    SELECT lane, 'final', number FROM finals
"""

ROUTED = """
    SELECT json_extract(payload, '$.routed.how') AS how, json_extract(payload, '$.routed.why'),
    count(*) FROM tasks WHERE id >= :since AND how IS NOT NULL GROUP BY 1, 2
"""

UNREAD = f"""
    SELECT {", ".join(f'notes."{name}"' for name in rows.NOTE_COLUMNS)}
    FROM notes JOIN tasks ON tasks.id = notes.task
    WHERE notes.attempt IS NULL AND tasks.state = 'final' ORDER BY notes.id LIMIT :limit
"""


class Reader(Closing):
    """Answers of one database. Every answer holds what was committed when it was asked."""

    def __init__(self, path: Path) -> None:
        """Raises SchemaTooNew, HarnessError. A file that is not there yet reads as empty."""
        self.path = path
        self.db: sqlite3.Connection = open_to_read(path)

    def close(self) -> None:
        self.db.close()

    def copy_to(self, path: Path) -> None:
        """Write the whole database to a new file: it can be read as long as it is open, even
        when its file was removed. Raises HarnessError."""
        with explained(path), closing(sqlite3.connect(path)) as copy:
            path.chmod(0o600)
            self.db.backup(copy)

    def get(self, prefix: str) -> Task:
        """The task of that id, or of that beginning of one if no other has it. NotFound."""
        start = prefix.upper()
        found = self._all(
            rows.task_of,
            f"{TASKS} WHERE id >= :start AND id < :end ORDER BY id LIMIT 2",
            {"start": start, "end": start + AFTER_ANY_ID},
        )
        match found:
            case [task] if prefix:
                return task
            case [one, other]:
                raise NotFound(
                    f"{prefix!r} is not one task: {one.id} and {other.id} begin so",
                    hint="give more of the id",
                )
            case _:
                raise NotFound(
                    f"there is no task {prefix!r}", hint="list them with: harness queue list"
                )

    def tasks(
        self,
        *,
        state: State | None = None,
        agent: str | None = None,
        job: str | None = None,
        parent: str | None = None,
        limit: int = 50,
    ) -> list[Task]:
        """Tasks that fit every filter given, newest first."""
        filters = {"state": state, "agent": agent, "job": job, "parent": parent}
        asked = {name: value for name, value in filters.items() if value is not None}
        # the state's constant in the text lets SQLite use that state's index
        terms = [
            f"{name} = '{state}'" if name == "state" else f"{name} = :{name}" for name in asked
        ]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        statement = f"{TASKS} {where} ORDER BY id DESC LIMIT :limit"
        return self._all(rows.task_of, statement, {**asked, "limit": limit})

    def dead(self, limit: int = 50) -> list[Task]:
        """The dead letters, newest first."""
        return self.tasks(state=State.DEAD, limit=limit)

    def owed(self, which: Stamp, limit: int = 100) -> list[Task]:
        """Ended tasks that a consumer has not seen, oldest first.

        Finals and dead ones; for DELIVERED finals with a channel, for CALLED_BACK those
        whose asker wants to be told.
        """
        statement = f"{TASKS} WHERE {OWED[which]} ORDER BY id LIMIT :limit"
        return self._all(rows.task_of, statement, {"limit": limit})

    def events(self, task_id: str) -> list[Event]:
        """All that happened to the task of exactly that id, in order."""
        statement = f"{EVENTS} WHERE task = :task ORDER BY seq"
        return self._all(rows.event_of, statement, {"task": task_id})

    def events_after(self, seq: int, limit: int = 500) -> list[Event]:
        """The log of all tasks from behind event `seq` on, in order."""
        statement = f"{EVENTS} WHERE seq > :seq ORDER BY seq LIMIT :limit"
        return self._all(rows.event_of, statement, {"seq": seq, "limit": limit})

    def last_seq(self) -> int:
        """The number of the newest event; 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM events", {})[0][0])

    def unread(self, limit: int = 100) -> list[Note]:
        """Notes that came too late: their task is final and never read them. Oldest first."""
        return self._all(rows.note_of, UNREAD, {"limit": limit})

    def counts(self) -> dict[str, dict[State, int]]:
        """How many tasks of each lane are in each state, finals of all time included."""
        lanes: dict[str, dict[State, int]] = {}
        for lane, state, number in self._rows(COUNTS, {}):
            lanes.setdefault(lane, dict.fromkeys(State, 0))[State(state)] = number
        return lanes

    def next_due(self, now: datetime) -> datetime | None:
        """The earliest `not_before` after `now` of the tasks in `request`."""
        statement = (
            "SELECT min(not_before) FROM tasks WHERE state = 'request' AND not_before > :now"
        )
        ((due,),) = self._rows(statement, {"now": stamp(now)})
        return unstamp(due) if due else None

    def slots(self, job: str | None = None, limit: int = 50) -> list[Slot]:
        """The history of one job or of all, newest slot first."""
        where = "WHERE job = :job" if job is not None else ""
        statement = f"{SLOTS} {where} ORDER BY slot DESC LIMIT :limit"
        return self._all(rows.slot_of, statement, {"job": job, "limit": limit})

    def slots_between(
        self, job: str, begin: datetime, end: datetime, limit: int = 5000
    ) -> list[Slot]:
        """The newest `limit` slots of a job from `begin` to before `end`, newest first."""
        statement = (
            f"{SLOTS} WHERE job = :job AND slot >= :begin AND slot < :end"
            " ORDER BY slot DESC LIMIT :limit"
        )
        values = {"job": job, "begin": stamp(begin), "end": stamp(end), "limit": limit}
        return self._all(rows.slot_of, statement, values)

    def last_slot(self, job: str) -> Slot | None:
        """The newest slot that was recorded for a job."""
        return next(iter(self.slots(job, limit=1)), None)

    def last_slots(self) -> dict[str, Slot]:
        """The newest slot of every job that has one."""
        newest = "(SELECT job, max(slot) FROM slots GROUP BY job)"
        slots = self._all(rows.slot_of, f"{SLOTS} WHERE (job, slot) IN {newest}", {})
        return {slot.job: slot for slot in slots}

    def job(self, job: str) -> JobState | None:
        """What is remembered of a job; None when it was neither scheduled nor paused yet."""
        found = self._all(rows.job_of, f"{JOBS} WHERE job = :job", {"job": job})
        return next(iter(found), None)

    def jobs(self) -> dict[str, JobState]:
        """What is remembered of every job, by its id."""
        states = self._all(rows.job_of, JOBS, {})
        return {state.job: state for state in states}

    def recoveries(self, since: datetime, limit: int = 1000) -> list[Recovery]:
        """What the house put right by itself from `since` on, newest first."""
        statement = f"{RECOVERIES} WHERE at >= :since ORDER BY seq DESC LIMIT :limit"
        return self._all(rows.recovery_of, statement, {"since": stamp(since), "limit": limit})

    def incidents(self) -> list[Incident]:
        """What fails in a row as of now, the longest row first."""
        statement = f"{INCIDENTS} WHERE failures > 0 ORDER BY failures DESC, subject"
        return self._all(rows.incident_of, statement, {})

    def approvals(
        self,
        now: datetime,
        *,
        state: ApprovalState | None = None,
        agent: str | None = None,
        limit: int = 50,
    ) -> list[Approval]:
        """Calls that a person was asked about and that fit every filter given, newest first;
        their state is that of `now`."""
        terms = [f"{AS_OF_NOW} = :state"] if state is not None else []
        terms += ["agent = :agent"] if agent is not None else []
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        values = {"now": stamp(now), "state": state, "agent": agent, "limit": limit}
        statement = f"{APPROVALS} {where} ORDER BY id DESC LIMIT :limit"
        return self._all(rows.approval_of, statement, values)

    def approval(self, prefix: str) -> Approval:
        """The one of that id, or of that beginning of one if no other has it. NotFound."""
        start = prefix.upper()
        found = self._all(
            rows.approval_of,
            f"{APPROVALS} WHERE id >= :start AND id < :end ORDER BY id LIMIT 2",
            {"start": start, "end": start + AFTER_ANY_ID},
        )
        if len(found) == 1 and prefix:
            return found[0]
        fault = "is not one approval: give more of its id" if found else "is the id of no approval"
        raise NotFound(f"{prefix!r} {fault}", hint="list them with: harness approvals list")

    def pending_approvals(self, now: datetime) -> list[Approval]:
        """Calls that wait for a person, oldest first, of tasks that are not over."""
        statement = (
            f"{APPROVALS} WHERE state = 'pending' AND expires_at > :now AND task IN"
            " (SELECT id FROM tasks WHERE state IN ('request', 'confirmed')) ORDER BY id"
        )
        return self._all(rows.approval_of, statement, {"now": stamp(now)})

    def waiting_since(self) -> dict[str, datetime]:
        """Since when the oldest request of each lane has been due."""
        statement = "SELECT lane, min(not_before) FROM tasks WHERE state = 'request' GROUP BY lane"
        return {lane: unstamp(at) for lane, at in self._rows(statement, {})}

    def routed(self, since: datetime) -> dict[str, dict[str, int]]:
        """How many of the requests made from `since` on named nobody and got their agent, by how
        that was decided and why."""
        values = {"since": earliest_id(since)}
        made: dict[str, dict[str, int]] = {}
        for how, why, number in self._rows(ROUTED, values):
            made.setdefault(how, {})[why] = number
        return made

    def deliveries(self, task_id: str) -> list[Delivery]:
        """How far the final of a task has come on each channel that was tried."""
        statement = f"{DELIVERIES} WHERE task = :task ORDER BY channel"
        return self._all(rows.delivery_of, statement, {"task": task_id})

    def _all(
        self, decode: Callable[[Row], T], statement: str, values: Mapping[str, Any]
    ) -> list[T]:
        return [decode(row) for row in self._rows(statement, values)]

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        with explained(self.path):
            return self.db.execute(statement, values).fetchall()
