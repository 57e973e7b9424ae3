"""Every statement of the bus that writes.

Each is built of SQLAlchemy's Core and compiled once, at its first use, to the text that the
plain `sqlite3` connection runs: running them through SQLAlchemy took three times as long as
SQLite itself (docs/bus.md). Constants stand in the text, since SQLite uses a partial index only
when it sees the condition; what a caller gives is a `:name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    and_,
    case,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows
from harness.bus.port import DeliveryState, Outcome, Priority, Stamp, State
from harness.bus.tables import deliveries, events, finals, jobs, notes, slots, tasks

SWEEP_LIMIT = 500  # rows of one sweep, so that it never keeps the others waiting for long


def compiled(build: Callable[..., ClauseElement]) -> Callable[..., str]:
    """Make a builder of a statement into a function that gives its text."""

    @cache
    @wraps(build)
    def text(*variant: Any) -> str:
        built = build(*variant)
        return str(built.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    return text


def given(name: str) -> ColumnElement[Any]:
    """A value that comes with each execution, under this name."""
    return literal_column(f":{name}")


def listed(table: Table, names: Iterable[str]) -> list[Column[Any]]:
    return [table.c[name] for name in names]


def all_given(table: Table, *but: str) -> dict[str, ColumnElement[Any]]:
    return {column.name: given(column.name) for column in table.c if column.name not in but}


TASK = listed(tasks, rows.TASK_COLUMNS)
OVER = {"lease_until": null(), "updated_at": given("now")}  # of every step that ends a hold


def held() -> ColumnElement[bool]:
    """The guard of every write after a claim: still this owner's, and still this attempt."""
    return and_(
        tasks.c.id == given("id"),
        tasks.c.state == State.CONFIRMED,
        tasks.c.owner == given("owner"),
        tasks.c.attempt == given("attempt"),
    )


@compiled
def task() -> ClauseElement:
    return select(*TASK).where(tasks.c.id == given("id"))


@compiled
def task_of_key() -> ClauseElement:
    return select(*TASK).where(tasks.c.key == given("key"))


@compiled
def ancestors() -> ClauseElement:
    """The chain of parents from `:id` up, itself included, as far as `:limit` rows."""
    chain = select(tasks.c.id, tasks.c.parent).where(tasks.c.id == given("id")).cte(recursive=True)
    above = select(tasks.c.id, tasks.c.parent).join(chain, tasks.c.id == chain.c.parent)
    chain = chain.union_all(above)
    bounded = select(chain.c.id).limit(given("limit")).subquery()
    return select(func.count()).select_from(bounded)


@compiled
def new_task() -> ClauseElement:
    columns = {name: given(name) for name in rows.REQUEST_COLUMNS}
    return insert(tasks).values(columns | {"budget": given("max_attempts"), "failures": 0})


@compiled
def log_event() -> ClauseElement:
    return insert(events).values(all_given(events, "seq"))


@compiled
def claim() -> ClauseElement:
    """Confirm the next due request of `:lane`, unless `:cap` are confirmed there.

    One look into the index for each priority: what is not due yet then bars no other.
    """
    busy = tasks.alias("busy")
    number_held = select(func.count()).where(
        busy.c.state == State.CONFIRMED, busy.c.lane == given("lane")
    )
    return (
        update(tasks)
        .where(
            tasks.c.id == func.coalesce(*(next_due_of(priority) for priority in Priority)),
            number_held.scalar_subquery() < given("cap"),
        )
        .values(
            state=State.CONFIRMED,
            attempt=tasks.c.attempt + 1,
            owner=given("owner"),
            lease_until=given("lease_until"),
            updated_at=given("now"),
        )
        .returning(*TASK)
    )


def next_due_of(priority: Priority) -> ColumnElement[str]:
    waiting = tasks.alias(f"waiting_{priority.value.lower()}")
    return (
        select(waiting.c.id)
        .where(
            waiting.c.state == State.REQUEST,
            waiting.c.lane == given("lane"),
            waiting.c.priority == priority,
            waiting.c.not_before <= given("now"),
            or_(waiting.c.deadline.is_(None), waiting.c.deadline > given("now")),
        )
        .order_by(waiting.c.not_before, waiting.c.id)
        .limit(1)
        .scalar_subquery()
    )


@compiled
def beat() -> ClauseElement:
    return (
        update(tasks).where(held()).values(lease_until=given("lease_until")).returning(tasks.c.id)
    )


@compiled
def final() -> ClauseElement:
    return (
        update(tasks)
        .where(held())
        .values(
            state=State.FINAL,
            outcome=given("outcome"),
            result=given("result"),
            error=given("error"),
            **OVER,
        )
        .returning(*TASK)
    )


@compiled
def count_final() -> ClauseElement:
    first = sqlite.insert(finals).values(lane=given("lane"), number=1)
    return first.on_conflict_do_update(
        index_elements=["lane"], set_={"number": finals.c.number + 1}
    )


@compiled
def setbacks() -> ClauseElement:
    """How often a held task failed in this budget, and how much the budget is."""
    return select(tasks.c.failures, tasks.c.budget).where(held())


@compiled
def set_back() -> ClauseElement:
    return (
        update(tasks)
        .where(held())
        .values(
            state=given("state"),
            not_before=given("not_before"),
            failures=given("failures"),
            error=given("error"),
            owner=null(),
            **OVER,
        )
        .returning(*TASK)
    )


@compiled
def release() -> ClauseElement:
    return (
        update(tasks)
        .where(held())
        .values(
            state=State.REQUEST,
            max_attempts=tasks.c.max_attempts + 1,
            not_before=given("now"),
            owner=null(),
            **OVER,
        )
        .returning(*TASK)
    )


@compiled
def resend() -> ClauseElement:
    passed = tasks.c.deadline <= given("now")
    return (
        update(tasks)
        .where(tasks.c.id == given("id"), tasks.c.state == State.DEAD)
        .values(
            state=State.REQUEST,
            max_attempts=tasks.c.attempt + tasks.c.budget,
            failures=0,
            not_before=given("now"),
            deadline=case((passed, null()), else_=tasks.c.deadline),
            error=null(),
            called_back_at=null(),
            learned_at=null(),
            updated_at=given("now"),
        )
        .returning(*TASK)
    )


@compiled
def cancel() -> ClauseElement:
    return (
        update(tasks)
        .where(tasks.c.id == given("id"), tasks.c.state != State.FINAL)
        .values(state=State.FINAL, outcome=Outcome.CANCELLED, error=given("note"), **OVER)
        .returning(*TASK)
    )


@compiled
def abandoned() -> ClauseElement:
    late = and_(tasks.c.state == State.CONFIRMED, tasks.c.lease_until <= given("now"))
    return select(*TASK).where(late).limit(SWEEP_LIMIT)


@compiled
def expire() -> ClauseElement:
    late = tasks.alias("late")
    past = select(late.c.id).where(late.c.state == State.REQUEST, late.c.deadline <= given("now"))
    return (
        update(tasks)
        .where(tasks.c.id.in_(past.limit(SWEEP_LIMIT)))
        .values(state=State.FINAL, outcome=Outcome.EXPIRED, error=given("note"), **OVER)
        .returning(*TASK)
    )


@compiled
def stamp(which: Stamp) -> ClauseElement:
    column = tasks.c[which.value]
    return (
        update(tasks)
        .where(
            tasks.c.id == given("id"),
            tasks.c.state.in_((State.FINAL, State.DEAD)),
            column.is_(None),
        )
        .values({column: given("now")})
        .returning(*TASK)
    )


@compiled
def new_note() -> ClauseElement:
    return insert(notes).values(all_given(notes, "id", "attempt"))


@compiled
def read_notes() -> ClauseElement:
    """An attempt that starts anew reads again what an earlier one had read."""
    unread = or_(notes.c.attempt.is_(None), notes.c.attempt < given("attempt"))
    return (
        update(notes)
        .where(notes.c.task == given("id"), unread)
        .values(attempt=given("attempt"))
        .returning(*listed(notes, rows.NOTE_COLUMNS))
    )


@compiled
def close_note() -> ClauseElement:
    return (
        update(notes)
        .where(notes.c.id == given("id"), notes.c.attempt.is_(None))
        .values(attempt=0)
        .returning(notes.c.id)
    )


@compiled
def slot() -> ClauseElement:
    return select(*listed(slots, rows.SLOT_COLUMNS)).where(
        slots.c.job == given("job"), slots.c.slot == given("slot")
    )


@compiled
def new_slot() -> ClauseElement:
    return insert(slots).values(all_given(slots))


@compiled
def set_job() -> ClauseElement:
    """The schedule's part of a job; `paused` counts only for a job that is new here."""
    new = sqlite.insert(jobs).values(all_given(jobs))
    schedule = {"fingerprint": given("fingerprint"), "since": given("since")}
    return new.on_conflict_do_update(index_elements=["job"], set_=schedule).returning(*jobs.c)


@compiled
def pause_job() -> ClauseElement:
    new = sqlite.insert(jobs).values(all_given(jobs))
    return new.on_conflict_do_update(
        index_elements=["job"], set_={"paused": given("paused")}
    ).returning(*jobs.c)


@compiled
def begin_delivery() -> ClauseElement:
    """Count an attempt, unless the delivery is settled."""
    new = sqlite.insert(deliveries).values(
        task=given("task"),
        channel=given("channel"),
        state=DeliveryState.PENDING,
        attempts=1,
        at=given("now"),
        note=null(),
    )
    again = {"attempts": deliveries.c.attempts + 1, "at": given("now")}
    return new.on_conflict_do_update(
        index_elements=["task", "channel"],
        set_=again,
        where=deliveries.c.state == DeliveryState.PENDING,
    ).returning(*deliveries.c)


@compiled
def finish_delivery() -> ClauseElement:
    return (
        update(deliveries)
        .where(
            deliveries.c.task == given("task"),
            deliveries.c.channel == given("channel"),
            deliveries.c.state == DeliveryState.PENDING,
        )
        .values(state=given("state"), at=given("now"), note=given("note"))
        .returning(*deliveries.c)
    )
