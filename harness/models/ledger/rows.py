"""Calls and loads as rows of the ledger, there and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from harness.clock import stamp, unstamp
from harness.models.ledger.call import COLUMNS, LOAD_COLUMNS, Call, CallOutcome, ModelLoad

CALLS = f"SELECT {', '.join(COLUMNS)} FROM calls"
LOADS = f"SELECT {', '.join(LOAD_COLUMNS)} FROM loads"
KEEP_CALL = (
    f"INSERT OR REPLACE INTO calls ({', '.join(COLUMNS)})"
    f" VALUES ({', '.join(':' + column for column in COLUMNS)})"
)
KEEP_LOAD = (
    f"INSERT OR REPLACE INTO loads ({', '.join(LOAD_COLUMNS)})"
    f" VALUES ({', '.join(':' + column for column in LOAD_COLUMNS)})"
)
# of a number beyond 64 bits, half a sign, and what is no number at all
UNFIT = (OverflowError, UnicodeEncodeError, sqlite3.IntegrityError)
LOSE = "UPDATE calls SET outcome = 'lost' WHERE outcome = 'open' AND run <> ?"


def keep(db: sqlite3.Connection, entries: Iterable[Call | ModelLoad]) -> int:
    """Write what is known of each now; what was known before is replaced. How many could not be
    written: no row may stop the others, whatever somebody put into it."""
    return sum(not is_kept(db, entry) for entry in entries)


def is_kept(db: sqlite3.Connection, entry: Call | ModelLoad) -> bool:
    """Write one entry; False where no row can hold it."""
    try:
        db.execute(KEEP_CALL if isinstance(entry, Call) else KEEP_LOAD, row_of(entry))
    except UNFIT:
        return False
    return True


def lose(db: sqlite3.Connection, run: str) -> int:
    """Give up the calls that were under way in another process; how many they are."""
    return db.execute(LOSE, (run,)).rowcount


def row_of(entry: Call | ModelLoad) -> dict[str, Any]:
    row = asdict(entry) | {"at": stamp(entry.at)}
    if isinstance(entry, ModelLoad):
        row["evicted"] = json.dumps(entry.evicted)
    return row


def call_of(row: tuple[Any, ...]) -> Call:
    values = dict(zip(COLUMNS, row, strict=True))
    values["at"] = unstamp(values["at"])
    values["estimated"] = bool(values["estimated"])
    values["outcome"] = CallOutcome(values["outcome"])
    return Call(**values)


def load_of(row: tuple[Any, ...]) -> ModelLoad:
    values = dict(zip(LOAD_COLUMNS, row, strict=True))
    values["at"] = unstamp(values["at"])
    values["evicted"] = tuple(json.loads(values["evicted"]))
    return ModelLoad(**values)


def span(begin: datetime, end: datetime) -> dict[str, str]:
    """The bounds of a question about a time, as the rows write theirs."""
    return {"begin": stamp(begin), "end": stamp(end)}
