"""The life of a task: every step it can take, each one guarded update and one event.

Plain functions over an open transaction, so that the daemon's writer and a command without
an event loop share them. Attempts only count up, which is what makes (owner, attempt) a
guard that no earlier holder passes: an attempt that is handed back raises `max_attempts`,
and so does a resend.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NoReturn

from harness.bus import effects, rows, statements
from harness.bus.port import (
    DEFAULT_LEASE,
    MAX_ANCESTORS,
    MAX_CHILDREN,
    RETRY_LADDER,
    IllegalTransition,
    LeaseLost,
    Outcome,
    Request,
    Result,
    State,
    Task,
    TooDeep,
    TooMany,
)
from harness.bus.transaction import Transaction
from harness.clock import stamp, unstamp
from harness.errors import NotFound
from harness.text.surrogates import whole

TITLE_CHARS = 80
WATCHER = "watcher"


def request(tx: Transaction, wish: Request, *, deep: bool = False) -> Task:
    """Store a request; with a `key` already known, return that task unchanged.

    `deep` lets it pass both limits. Raises NotFound (the parent), TooDeep, TooMany.
    """
    if wish.key is not None:
        known = tx.task(statements.task_of_key(), {"key": wish.key})
        if known is not None:
            return known
    parent = load(tx, wish.parent) if wish.parent is not None else None
    if parent is not None and not deep:
        check_depth(tx, parent)
        check_number(tx, parent)
    task = new_task(tx, wish, parent)
    tx.db.execute(statements.new_task(), rows.values_of_request(task))
    tx.log(task, task.sender, wish.note)
    return task


def check_depth(tx: Transaction, parent: Task) -> None:
    chain = {"id": parent.id, "limit": MAX_ANCESTORS + 1}
    (ancestors,) = tx.rows(statements.ancestors(), chain)[0]
    if ancestors > MAX_ANCESTORS:
        raise TooDeep(
            f"task {parent.id} has {ancestors - 1} ancestors or more, and a request may have"
            f" {MAX_ANCESTORS}: agents seem to ask each other for ever",
            hint="answer with what is known instead of asking on",
        )


def check_number(tx: Transaction, parent: Task) -> None:
    (children,) = tx.rows(statements.children(), {"id": parent.id})[0]
    if children >= MAX_CHILDREN:
        raise TooMany(
            f"task {parent.id} has made {children} requests, and a task may make {MAX_CHILDREN}",
            hint="put what is still to be asked into fewer requests, or answer without it",
        )


def new_task(tx: Transaction, wish: Request, parent: Task | None) -> Task:
    number, now = tx.ids(), tx.now
    return Task(
        id=number,
        agent=wish.agent,
        lane=wish.lane or wish.agent,
        sender=wish.sender,
        title=whole(wish.title or first_line(wish.prompt)),
        prompt=whole(wish.prompt),
        state=State.REQUEST,
        outcome=None,
        attempt=0,
        max_attempts=wish.max_attempts,
        priority=wish.priority,
        key=wish.key,
        parent=wish.parent,
        root=parent.root if parent is not None else number,
        job=wish.job,
        created_at=now,
        updated_at=now,
        not_before=max(stored(wish.not_before) or now, now),
        deadline=stored(wish.deadline),
        timeout=wish.timeout,
        lease_until=None,
        owner=None,
        result=None,
        error=None,
        deliver=tuple(wish.deliver),
        callback=wish.callback,
        payload=wish.payload,
    )


def first_line(prompt: str) -> str:
    return prompt.strip().partition("\n")[0][:TITLE_CHARS]


def stored(moment: datetime | None) -> datetime | None:
    """A time as it reads after it was written: in UTC, whole milliseconds."""
    return unstamp(stamp(moment)) if moment is not None else None


def claim(
    tx: Transaction, lane: str, *, cap: int, owner: str, lease: timedelta = DEFAULT_LEASE
) -> Task | None:
    """Confirm the lane's next due request, unless `cap` of the lane are confirmed already."""
    values = {
        "lane": lane,
        "cap": cap,
        "owner": owner,
        "now": tx.at,
        "lease_until": stamp(tx.now + lease),
    }
    task = tx.task(statements.claim(), values)
    if task is not None:
        tx.log(task, owner)
    return task


def beat(tx: Transaction, task: Task, *, lease: timedelta = DEFAULT_LEASE) -> datetime:
    """Renew the lease; returns its new end. Raises LeaseLost."""
    until = tx.now + lease
    if tx.row(statements.beat(), guard(task) | {"lease_until": stamp(until)}) is None:
        lost(tx, task)
    return until


def final(
    tx: Transaction, task: Task, outcome: Outcome, result: Result, *, note: str | None = None
) -> Task:
    """Record the one final of a task that the caller holds. Raises LeaseLost."""
    note = whole(note) if note is not None else None
    values = {
        "outcome": outcome.value,
        "result": rows.result_text(result),
        "error": None if outcome is Outcome.DONE else note,
        "now": tx.at,
    }
    ended = tx.task(statements.final(), guard(task) | values) or lost(tx, task)
    count_final(tx, ended)
    tx.log(ended, task.owner or WATCHER, note)
    return ended


def fail(tx: Transaction, task: Task, error: str, *, permanent: bool = False) -> Task:
    """An attempt failed: back to `request` by the ladder, or `dead`. Raises LeaseLost."""
    return set_back(tx, task, error, actor=task.owner or WATCHER, permanent=permanent)


def set_back(
    tx: Transaction,
    task: Task,
    error: str,
    *,
    actor: str,
    permanent: bool = False,
    at_once: bool = False,
) -> Task:
    """A failure in the words of `actor`; `at_once` spares the pause of the ladder.

    An attempt that ended within a call that must not be made twice is not repeated: the
    task is dead with the outcome `unknown`.
    """
    held = tx.row(statements.setbacks(), guard(task)) or lost(tx, task)
    failures, budget = held[0] + 1, held[1]
    unsure = effects.unknown(tx, task.id)
    error = whole(error)
    if unsure is not None:
        error = f"unknown whether `{unsure.tool}` of attempt {unsure.attempt} was done: {error}"
    dead = permanent or unsure is not None or failures >= budget
    pause = RETRY_LADDER[min(failures, len(RETRY_LADDER)) - 1]
    values = {
        "state": (State.DEAD if dead else State.REQUEST).value,
        "outcome": Outcome.UNKNOWN.value if unsure is not None else None,
        "not_before": tx.at if dead or at_once else stamp(tx.now + pause),
        "failures": failures,
        "error": error,
        "now": tx.at,
    }
    moved = tx.task(statements.set_back(), guard(task) | values) or lost(tx, task)
    tx.log(moved, actor, error)
    return moved


def release(tx: Transaction, task: Task, note: str, *, until: datetime | None = None) -> Task:
    """Hand back an attempt that was not spent, unless it did something unknown; the task is
    due again at `until`, or at once. Raises LeaseLost."""
    if effects.unknown(tx, task.id) is not None:
        return set_back(tx, task, note, actor=task.owner or WATCHER)
    values = {"now": tx.at, "not_before": stamp(until) if until else tx.at}
    freed = tx.task(statements.release(), guard(task) | values) or lost(tx, task)
    tx.log(freed, task.owner or WATCHER, note)
    return freed


def resend(tx: Transaction, task_id: str, *, actor: str) -> Task:
    """Give a dead task the budget of attempts it began with once more, from now on.

    A deadline that passed meanwhile no longer counts: a person wants it now. Whoever was
    told of its death is told of its end too. What was not approved may be asked anew.
    """
    task = tx.task(statements.resend(), {"id": task_id, "now": tx.at})
    if task is None:
        refuse(tx, task_id, "be sent again; only a dead task can")
    effects.waive(tx, task_id)
    tx.db.execute(statements.forget_questions(), {"id": task_id})
    tx.log(task, actor, "resent")
    return task


def cancel(tx: Transaction, task_id: str, *, actor: str, note: str | None = None) -> Task:
    """End a task that is not final, and what it asked of others. Raises NotFound,
    IllegalTransition."""
    task = tx.task(statements.cancel(), {"id": task_id, "note": note, "now": tx.at})
    if task is None:
        refuse(tx, task_id, "be cancelled: it is over")
    count_final(tx, task)
    tx.log(task, actor, note)
    for (child,) in tx.rows(statements.open_children(), {"id": task_id}):
        cancel(tx, child, actor=actor, note=f"its asker, task {task_id}, was cancelled")
    return task


def load(tx: Transaction, task_id: str) -> Task:
    """The task of exactly that id. Raises NotFound."""
    task = tx.task(statements.task(), {"id": task_id})
    if task is None:
        raise NotFound(f"there is no task {task_id}", hint="list them with: harness queue list")
    return task


def guard(task: Task) -> dict[str, Any]:
    return {"id": task.id, "owner": task.owner, "attempt": task.attempt}


def count_final(tx: Transaction, task: Task) -> None:
    tx.db.execute(statements.count_final(), {"lane": task.lane})


def lost(tx: Transaction, task: Task) -> NoReturn:
    now = load(tx, task.id)
    holder = f", held by {now.owner}" if now.state is State.CONFIRMED else ""
    raise LeaseLost(
        f"{task.owner} lost task {task.id} (attempt {task.attempt}): it is in"
        f" {now.state.value}{holder}, attempt {now.attempt}",
        hint="drop the work; whoever holds the task now answers it",
    )


def refuse(tx: Transaction, task_id: str, step: str) -> NoReturn:
    state = load(tx, task_id).state
    raise IllegalTransition(f"task {task_id} is in {state.value} and cannot {step}")
