"""Incidents: failures in a row, and the one alert that each of them deserves.

The event log is read once, from where the last review ended; the counts, the alert (a final
like any other, which the courier delivers) and the new place are written together, so that a
crash neither repeats an alert nor loses one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows, statements, transitions
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import Incident, Outcome, Request, Result, State, Task
from harness.bus.tables import cursors, events, incidents
from harness.bus.tables import tasks as task_table
from harness.bus.transaction import Transaction
from harness.clock import stamp, unstamp

READER = "incidents"
IN_A_ROW = 2  # failures that deserve an alert
COOLDOWN = timedelta(hours=1)  # between two alerts about one subject
BATCH = 500  # events of one review
HOUSE = "harness"  # who speaks in an alert

FAILED = {Outcome.FAILED, Outcome.EXPIRED}
GOOD = {Outcome.DONE, Outcome.PARTIAL}


def counted(incident: Incident, task: Task, at: datetime) -> Incident:
    """The incident after one more end of its subject's tasks; a cancelled one says nothing."""
    if task.state is State.DEAD or task.outcome in FAILED:
        since = incident.since or at
        return replace(incident, failures=incident.failures + 1, since=since, task=task.id)
    if task.outcome in GOOD:
        return replace(incident, failures=0, since=None)
    return incident


def deserves_alert(incident: Incident, now: datetime) -> bool:
    """Two in a row, once for each row, an hour after the last alert about the subject."""
    if incident.since is None or incident.failures < IN_A_ROW:
        return False
    told = incident.alerted_at
    return told is None or (told < incident.since and now - told >= COOLDOWN)


def subject_of(task: Task) -> str:
    return f"job {task.job}" if task.job else f"agent {task.agent}"


def review(tx: Transaction, deliver: Sequence[str]) -> list[Incident]:
    """Count the ends since the last review; write one alert about all that deserve it.

    Those are returned. `deliver` names the channels of the alert.
    """
    (place,) = tx.row(cursor(), {"reader": READER}) or (0,)
    ended = tx.rows(ends_after(), {"seq": place, "limit": BATCH})
    if not ended:
        return []
    changed: dict[str, Incident] = {}
    for _, at, *row in ended:
        task = rows.task_of(tuple(row))
        subject = subject_of(task)
        if task.agent != HOUSE:
            before = changed.get(subject) or load(tx, subject)
            changed[subject] = counted(before, task, unstamp(at))
    due = [incident for incident in changed.values() if deserves_alert(incident, tx.now)]
    for incident in changed.values():
        told = tx.now if incident in due else incident.alerted_at
        save(tx, replace(incident, alerted_at=told))
    if due:
        announce(tx, *alert(tx, due), deliver)
    tx.db.execute(move_cursor(), {"reader": READER, "seq": ended[-1][0]})
    return due


def alert(tx: Transaction, due: Sequence[Incident]) -> tuple[str, str]:
    """The title and the text of the alert about these incidents."""
    first = due[0]
    more = f" and {len(due) - 1} more" if len(due) > 1 else ""
    lines = []
    for incident in due:
        task = transitions.load(tx, incident.task or "")
        lines.append(
            f"- {incident.subject}: {incident.failures} times in a row,"
            f" last: {task.error or task.outcome} (harness queue show {task.id})"
        )
    return f"Failing: {first.subject}{more}", "\n".join(lines)


def announce(tx: Transaction, title: str, text: str, deliver: Sequence[str]) -> Task:
    """A final of the house itself, without a session: it is delivered like any other."""
    wish = Request(HOUSE, title, sender=HOUSE, title=title, deliver=tuple(deliver), max_attempts=1)
    task = transitions.request(tx, wish)
    result = Result(text=text)
    values = {"id": task.id, "result": rows.result_text(result), "now": tx.at}
    said = tx.task(statements.announce(), values)
    assert said is not None, "the request was written just now"
    transitions.count_final(tx, said)
    tx.log(said, HOUSE)
    return said


def load(tx: Transaction, subject: str) -> Incident:
    row = tx.row(one(), {"subject": subject})
    return rows.incident_of(row) if row else Incident(subject)


def save(tx: Transaction, incident: Incident) -> None:
    since, told = (stamp(at) if at else None for at in (incident.since, incident.alerted_at))
    tx.db.execute(upsert(), vars(incident) | {"since": since, "alerted_at": told})


@compiled
def cursor() -> ClauseElement:
    return select(cursors.c.seq).where(cursors.c.reader == given("reader"))


@compiled
def move_cursor() -> ClauseElement:
    return update(cursors).where(cursors.c.reader == given("reader")).values(seq=given("seq"))


@compiled
def ends_after() -> ClauseElement:
    """Each end after event `:seq`, with when it was and the task as it stands now."""
    return (
        select(events.c.seq, events.c.at, *statements.TASK)
        .join(task_table, task_table.c.id == events.c.task)
        .where(events.c.seq > given("seq"), events.c.state.in_((State.FINAL, State.DEAD)))
        .order_by(events.c.seq)
        .limit(given("limit"))
    )


@compiled
def one() -> ClauseElement:
    return select(*listed(incidents, rows.INCIDENT_COLUMNS)).where(
        incidents.c.subject == given("subject")
    )


@compiled
def upsert() -> ClauseElement:
    new = sqlite.insert(incidents).values(all_given(incidents))
    names = ("failures", "since", "alerted_at", "task")
    return new.on_conflict_do_update(
        index_elements=["subject"], set_={name: given(name) for name in names}
    )
