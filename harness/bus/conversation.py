"""What is said about tasks: notes to one under way, and answers told to those who asked."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import approvals, rows, statements, transitions
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.outside import outside_payload, payload_of_answer
from harness.bus.port import IllegalTransition, Note, Outcome, Request, Result, Stamp, State, Task
from harness.bus.tables import notes
from harness.bus.transaction import Transaction
from harness.text.fence import has_fence

PERSON = "person"  # the sender of what a person says


def tell(tx: Transaction, task_id: str, sender: str, text: str) -> Note:
    """Leave a note for a task in `request` or `confirmed`. Raises NotFound, IllegalTransition."""
    task = transitions.load(tx, task_id)
    if task.state not in (State.REQUEST, State.CONFIRMED):
        raise IllegalTransition(
            f"task {task_id} is in {task.state.value} and reads no more notes",
            hint=f"ask anew: harness send {task.agent} TEXT",
        )
    return leave(tx, task, sender, text)


def leave(tx: Transaction, task: Task, sender: str, text: str) -> Note:
    values = {"task": task.id, "sender": sender, "text": text, "at": tx.at}
    number = tx.db.execute(insert_note(), values).lastrowid
    return Note(number or 0, task.id, sender, text, tx.now)


def take_notes(tx: Transaction, task: Task, known: Collection[int] = ()) -> list[Note]:
    """The notes that this attempt has not read yet, oldest first; those that the attempts
    `known` had read are none, since this one goes on after them. Raises LeaseLost."""
    if tx.row(statements.setbacks(), transitions.guard(task)) is None:
        transitions.lost(tx, task)
    values = {"id": task.id, "attempt": task.attempt, "known": json.dumps(list(known))}
    unread = tx.rows(mark_read(), values)
    return sorted((rows.note_of(row) for row in unread), key=lambda note: note.id)


def ask_again(tx: Transaction, note: Note) -> Task | None:
    """Make a note that came too late a request of its own; None when that was done before,
    and when its task was cancelled: what was said of it goes with it."""
    missed = transitions.load(tx, note.task)
    if tx.row(mark_too_late(), {"id": note.id}) is None or missed.outcome is Outcome.CANCELLED:
        return None
    wish = Request(
        agent=missed.agent,
        prompt=note.text,
        sender=note.sender,
        key=f"note:{note.id}",
        priority=missed.priority,
        parent=missed.id,
        job=missed.job,
        deliver=missed.deliver,
        payload=payload_of_note(note),
    )
    return transitions.request(tx, wish, deep=True)


def payload_of_note(note: Note) -> dict[str, Any]:
    """Whose words a note that came too late holds: what a person says may go out again."""
    if has_fence(note.text):
        return outside_payload([note.sender], private=True)
    return {} if note.sender == PERSON else payload_of_answer(Result())


def call_back(tx: Transaction, child: Task, text: str) -> Task | Note | None:
    """Tell the asker of `child` how it ended: once, whatever crashes in between.

    A note when the asking task is still confirmed or waits for a person, else a request of its
    own to the asker, delivered where the asking task was to be. None when the asker was told
    before, and when the asking task was cancelled: nobody waits for the answer any more.
    """
    which = Stamp.CALLED_BACK
    if tx.row(statements.stamp(which), {"id": child.id, "now": tx.at}) is None:
        return None
    parent = transitions.load(tx, child.parent) if child.parent is not None else None
    if parent is not None and (parent.state is State.CONFIRMED or approvals.waits(tx, parent)):
        return leave(tx, parent, child.agent, text)
    if parent is not None and parent.outcome is Outcome.CANCELLED:
        return None
    wish = Request(
        agent=child.sender,
        prompt=text,
        sender=child.agent,
        title=f"Answer: {child.title}",
        key=callback_key(tx, child),
        priority=child.priority,
        parent=child.id,
        job=child.job,
        deliver=parent.deliver if parent is not None else (),
        payload=payload_of_answer(child.result) if child.result else {},
    )
    return transitions.request(tx, wish, deep=True)


def callback_key(tx: Transaction, child: Task) -> str:
    """A task that died, was told of, and was resent, is told of a second time."""
    key = f"callback:{child.id}"
    told = tx.row(statements.task_of_key(), {"key": key}) is not None
    return f"{key}:{child.attempt}" if told else key


@compiled
def insert_note() -> ClauseElement:
    return insert(notes).values(all_given(notes, "id", "attempt"))


@compiled
def mark_read() -> ClauseElement:
    """An attempt reads again what an earlier one had read, unless it goes on after that one."""
    listed_there = func.json_each(given("known")).table_valued("value")
    known = select(listed_there.c.value)
    earlier = and_(notes.c.attempt < given("attempt"), notes.c.attempt.not_in(known))
    unread = or_(notes.c.attempt.is_(None), earlier)
    return (
        update(notes)
        .where(notes.c.task == given("id"), unread)
        .values(attempt=given("attempt"))
        .returning(*listed(notes, rows.NOTE_COLUMNS))
    )


@compiled
def mark_too_late() -> ClauseElement:
    return (
        update(notes)
        .where(notes.c.id == given("id"), notes.c.attempt.is_(None))
        .values(attempt=0)
        .returning(notes.c.id)
    )
