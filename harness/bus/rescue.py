"""Tasks that lost their holder, their agent or their time: taken back, given up, or ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from harness.bus import recoveries, rows, statements, transitions
from harness.bus.port import Recovered, State, Task
from harness.bus.transaction import Transaction
from harness.clock import stamp, unstamp


def sweep(tx: Transaction, spare: Collection[str] = ()) -> list[Task]:
    """Take back what lost its holder, expire what passed its deadline; what changed.

    Tasks of `spare` keep their holder whatever the clock says: who sweeps knows it alive.
    Requests that were written by a clock which has since been set back wait no longer for it.

    At most `statements.SWEEP_LIMIT` of either; the next sweep takes the rest.
    """
    late = [rows.task_of(row) for row in tx.rows(statements.abandoned(), {"now": tx.at})]
    abandoned = [task for task in late if task.id not in spare]
    back = [
        transitions.set_back(tx, task, f"lease of {task.owner} expired", actor=transitions.WATCHER)
        for task in abandoned
    ]
    for task in back:
        recoveries.record(tx, Recovered.LEASE, task.id, f"{task.agent}: {whereto(task)}")
    note = "its deadline passed before anyone took it up"
    for number, written, due in tx.rows(statements.from_the_future(), {"now": tx.at}):
        pause = unstamp(due) - unstamp(written)
        values = {"id": number, "not_before": stamp(tx.now + pause), "now": tx.at}
        tx.db.execute(statements.set_due(), values)
    past = tx.rows(statements.expire(), {"now": tx.at, "note": note})
    expired = [rows.task_of(row) for row in past]
    for task in expired:
        transitions.count_final(tx, task)
        tx.log(task, transitions.WATCHER, note)
    return back + expired


def reclaim(tx: Transaction, owner: str) -> list[Task]:
    """Take back at once what anyone but `owner` holds, without waiting for the leases.

    Only for a process that knows the others gone, because it holds the home's lock. The
    attempts count as failed: a task that kills its process must not be tried for ever.
    """
    orphans = [rows.task_of(row) for row in tx.rows(statements.held_by_others(), {"owner": owner})]
    back = [
        transitions.set_back(tx, task, f"{task.owner} is gone", actor=owner, at_once=True)
        for task in orphans
    ]
    for task in back:
        recoveries.record(tx, Recovered.TAKEN_OVER, task.id, f"{task.agent}: {whereto(task)}")
    return back


def bury(tx: Transaction, lane: str, *, before: datetime, note: str) -> list[Task]:
    """Give up requests of a lane that nobody serves, if they were due `before` then."""
    values = {"lane": lane, "before": stamp(before), "note": note, "now": tx.at}
    dead = [rows.task_of(row) for row in tx.rows(statements.bury(), values)]
    for task in dead:
        tx.log(task, transitions.WATCHER, note)
        recoveries.record(tx, Recovered.UNSERVED, task.id, note)
    return dead


def whereto(task: Task) -> str:
    """What became of a task that was taken back."""
    if task.state is State.REQUEST:
        return f"attempt {task.attempt} is over, it is tried again"
    return f"dead after {task.attempt} attempts"
