"""The book of calls that must not be made twice: begun before, done after, each durably.

An attempt that ends with a call begun and not done leaves its outcome unknown; the task
then waits for a person, who knows or can find out (see `transitions.set_back`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import Effect, EffectState, Task
from harness.bus.tables import effects
from harness.bus.transaction import Transaction

EFFECT = listed(effects, rows.EFFECT_COLUMNS)
ONE = and_(effects.c.task == given("task"), effects.c.call == given("call"))


def begin(tx: Transaction, task: Task, call: str, tool: str) -> tuple[Effect, bool]:
    """Note that a call is about to be made; and whether it may: a second one may not."""
    values = {
        "task": task.id,
        "call": call,
        "tool": tool,
        "state": EffectState.BEGUN.value,
        "attempt": task.attempt,
        "at": tx.at,
        "text": None,
    }
    fresh = tx.row(begin_once(), values)
    row = fresh or tx.rows(known(), values)[0]
    return rows.effect_of(row), fresh is not None


def finish(tx: Transaction, task: Task, call: str, text: str) -> None:
    """The call came back, and this is what it gave."""
    tx.db.execute(write_end(), {"task": task.id, "call": call, "text": text})


def drop(tx: Transaction, task: Task, call: str) -> None:
    """The call did nothing, and says so: it may be made again."""
    tx.db.execute(forget(), {"task": task.id, "call": call})


def unknown(tx: Transaction, task_id: str) -> Effect | None:
    """A call of the task that was begun and never came back."""
    row = tx.row(begun(), {"task": task_id})
    return rows.effect_of(row) if row else None


def waive(tx: Transaction, task_id: str) -> None:
    """A person sends the task again: what was begun may be made once more."""
    tx.db.execute(waive_all(), {"task": task_id})


@compiled
def begin_once() -> ClauseElement:
    """Begin a call, unless it was begun or done before."""
    new = sqlite.insert(effects).values(all_given(effects))
    again: dict[str, Any] = {
        "state": EffectState.BEGUN,
        "attempt": given("attempt"),
        "at": given("at"),
    }
    return new.on_conflict_do_update(
        index_elements=["task", "call"],
        set_=again,
        where=effects.c.state == EffectState.WAIVED,
    ).returning(*EFFECT)


@compiled
def known() -> ClauseElement:
    return select(*EFFECT).where(ONE)


@compiled
def write_end() -> ClauseElement:
    return update(effects).where(ONE).values(state=EffectState.DONE, text=given("text"))


@compiled
def forget() -> ClauseElement:
    return delete(effects).where(ONE, effects.c.state == EffectState.BEGUN)


@compiled
def begun() -> ClauseElement:
    return (
        select(*EFFECT)
        .where(effects.c.task == given("task"), effects.c.state == EffectState.BEGUN)
        .limit(1)
    )


@compiled
def waive_all() -> ClauseElement:
    return (
        update(effects)
        .where(effects.c.task == given("task"), effects.c.state == EffectState.BEGUN)
        .values(state=EffectState.WAIVED)
    )
