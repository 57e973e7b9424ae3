"""What the house put right by itself, so that a person can see that it had to."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert
from sqlalchemy.sql.elements import ClauseElement

from harness.bus.compiled import all_given, compiled, given
from harness.bus.port import Recovered
from harness.bus.tables import recoveries
from harness.bus.transaction import Transaction
from harness.clock import stamp

KEPT = timedelta(days=90)


def record(tx: Transaction, kind: Recovered, subject: str, note: str) -> None:
    """Write one recovery, and forget those that are too old to matter."""
    tx.db.execute(forget(), {"before": stamp(tx.now - KEPT)})
    tx.db.execute(write(), {"at": tx.at, "kind": kind.value, "subject": subject, "note": note})


@compiled
def write() -> ClauseElement:
    return insert(recoveries).values(all_given(recoveries, "seq"))


@compiled
def forget() -> ClauseElement:
    return delete(recoveries).where(recoveries.c.at < given("before"))
