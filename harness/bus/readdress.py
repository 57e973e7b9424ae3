"""A request that named nobody goes to the agent that was chosen: once, whatever crashes."""

from __future__ import annotations

from typing import NoReturn

from sqlalchemy import func, null, update
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows, statements, transitions
from harness.bus.compiled import compiled, given
from harness.bus.port import IllegalTransition, State, Task
from harness.bus.routed import KEY, LANE, Decision
from harness.bus.tables import tasks
from harness.bus.transaction import Transaction


def readdress(tx: Transaction, task: Task, decision: Decision) -> Task:
    """Move a task that the caller holds to the lane of the agent chosen; there it stands by the
    time at which it was asked, and the attempt is not spent. Raises LeaseLost, and
    IllegalTransition for one that was an agent's already."""
    values = {
        "agent": decision.agent,
        "routed": rows.json_text(decision.payload[KEY]),
        "now": tx.at,
    }
    moved = tx.task(hand_over(), transitions.guard(task) | values)
    if moved is None:
        refuse(tx, task)
    tx.log(moved, LANE, decision.told)
    return moved


def refuse(tx: Transaction, task: Task) -> NoReturn:
    if tx.row(statements.setbacks(), transitions.guard(task)) is None:
        transitions.lost(tx, task)
    raise IllegalTransition(f"task {task.id} is {task.agent}'s already and is not handed on")


@compiled
def hand_over() -> ClauseElement:
    """As `release`, to another lane; the old `not_before` keeps its place in the line."""
    routed = func.json_set(tasks.c.payload, f"$.{KEY}", func.json(given("routed")))
    return (
        update(tasks)
        .where(statements.held(), tasks.c.lane == LANE)
        .values(
            state=State.REQUEST,
            agent=given("agent"),
            lane=given("agent"),
            payload=routed,
            max_attempts=tasks.c.max_attempts + 1,
            owner=null(),
            **statements.OVER,
        )
        .returning(*statements.TASK)
    )
