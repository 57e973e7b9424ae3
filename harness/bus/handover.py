"""What follows an end: stamps of who has seen it, and deliveries, counted before each try."""

from __future__ import annotations

from sqlalchemy import null, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import rows, statements, transitions
from harness.bus.compiled import compiled, given
from harness.bus.port import Delivery, DeliveryState, IllegalTransition, Stamp
from harness.bus.tables import deliveries
from harness.bus.transaction import Transaction


def stamp(tx: Transaction, task_id: str, which: Stamp) -> None:
    """Note that a consumer has seen an ended task; a second time changes nothing.

    Nor does it when the task was resent meanwhile: its next end is owed anew. Raises NotFound.
    """
    if tx.row(statements.stamp(which), {"id": task_id, "now": tx.at}) is None:
        transitions.load(tx, task_id)


def begin_delivery(tx: Transaction, task_id: str, channel: str) -> Delivery | None:
    """Count an attempt that is about to be made; None when the channel is settled.

    `attempts` above 1 means that an earlier one failed, or that nobody knows how it went.
    """
    values = {"task": task_id, "channel": channel, "now": tx.at}
    row = tx.row(count_attempt(), values)
    return rows.delivery_of(row) if row else None


def finish_delivery(
    tx: Transaction, task_id: str, channel: str, state: DeliveryState, note: str | None = None
) -> Delivery:
    """Write how an attempt went: SENT and FAILED settle it, PENDING asks for another.

    Raises IllegalTransition when it never began, or is settled.
    """
    values = {
        "task": task_id,
        "channel": channel,
        "state": state.value,
        "now": tx.at,
        "note": note,
    }
    row = tx.row(write_outcome(), values)
    if row is None:
        raise IllegalTransition(f"no delivery of task {task_id} to {channel} is under way")
    return rows.delivery_of(row)


@compiled
def count_attempt() -> ClauseElement:
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
def write_outcome() -> ClauseElement:
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
