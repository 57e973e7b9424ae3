"""Every statement that moves a task, or asks on the way where it is."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, null, or_, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import ApprovalState, Outcome, Priority, Stamp, State
from harness.bus.tables import approvals, events, finals, tasks

SWEEP_LIMIT = 500  # rows of one sweep, so that it never keeps the others waiting for long

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
def children() -> ClauseElement:
    """How many requests the task `:id` has made."""
    return select(func.count()).where(tasks.c.parent == given("id"))


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
            outcome=given("outcome"),
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
            not_before=given("not_before"),
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
            outcome=null(),
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
def forget_questions() -> ClauseElement:
    """What a person did not approve of a task may be asked anew."""
    return delete(approvals).where(
        approvals.c.task == given("id"), approvals.c.state != ApprovalState.APPROVED
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
def open_children() -> ClauseElement:
    """What a task asked of others, as far as it is not over."""
    return select(tasks.c.id).where(
        tasks.c.parent == given("id"),
        tasks.c.callback,
        tasks.c.state.in_((State.REQUEST, State.CONFIRMED)),
    )


@compiled
def abandoned() -> ClauseElement:
    late = and_(tasks.c.state == State.CONFIRMED, tasks.c.lease_until <= given("now"))
    return select(*TASK).where(late).limit(SWEEP_LIMIT)


@compiled
def held_by_others() -> ClauseElement:
    others = and_(tasks.c.state == State.CONFIRMED, tasks.c.owner != given("owner"))
    return select(*TASK).where(others)


@compiled
def from_the_future() -> ClauseElement:
    """Requests that were written later than it is now: the clock was set back since."""
    return (
        select(tasks.c.id, tasks.c.updated_at, tasks.c.not_before)
        .where(tasks.c.state == State.REQUEST, tasks.c.updated_at > given("now"))
        .limit(SWEEP_LIMIT)
    )


@compiled
def set_due() -> ClauseElement:
    due = {"not_before": given("not_before"), "updated_at": given("now")}
    return update(tasks).where(tasks.c.id == given("id")).values(due)


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
def bury() -> ClauseElement:
    """End the waiting of what nobody serves in `:lane`, if it was due before `:before`."""
    waiting = tasks.alias("waiting")
    due = select(waiting.c.id).where(
        waiting.c.state == State.REQUEST,
        waiting.c.lane == given("lane"),
        waiting.c.not_before <= given("before"),
    )
    return (
        update(tasks)
        .where(tasks.c.id.in_(due.limit(SWEEP_LIMIT)))
        .values(state=State.DEAD, error=given("note"), **OVER)
        .returning(*TASK)
    )


@compiled
def announce() -> ClauseElement:
    """Make a request of the house itself final, unclaimed."""
    return (
        update(tasks)
        .where(tasks.c.id == given("id"), tasks.c.state == State.REQUEST)
        .values(state=State.FINAL, outcome=Outcome.DONE, result=given("result"), **OVER)
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
