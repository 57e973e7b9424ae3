"""Every question about the ledger that changes nothing. Plain `sqlite3` alone: a command that
only looks must not wait for what talks to models."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from pathlib import Path

from harness.closing import Closing
from harness.db.connection import explained
from harness.models.ledger.call import Call, ModelLoad
from harness.models.ledger.figures import Figures, figures_of
from harness.models.ledger.rows import CALLS, LOADS, call_of, load_of, span
from harness.models.ledger.schema import open_to_read
from harness.models.ledger.sums import spent_on
from harness.models.limits.amount import Amount

WITHIN = "WHERE at >= :begin AND at < :end ORDER BY id"


class LedgerReader(Closing):
    """Answers of one ledger, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        """Raises SchemaTooNew, HarnessError."""
        self.path = path
        self.db: sqlite3.Connection = open_to_read(path)

    def close(self) -> None:
        self.db.close()

    def calls(self, begin: datetime, end: datetime) -> list[Call]:
        """Those that began in this time, oldest first."""
        with explained(self.path):
            rows = self.db.execute(f"{CALLS} {WITHIN}", span(begin, end))
            return [call_of(row) for row in rows]

    def loads(self, begin: datetime, end: datetime) -> list[ModelLoad]:
        """Models that were loaded in this time, oldest first."""
        with explained(self.path):
            rows = self.db.execute(f"{LOADS} {WITHIN}", span(begin, end))
            return [load_of(row) for row in rows]

    def figures(self, begin: datetime, end: datetime) -> Figures:
        """What the calls of this time come to."""
        return figures_of(self.calls(begin, end))

    def spent(self, day: date, zone: tzinfo) -> Mapping[str, Amount]:
        """What counts for the limits of a day, by agent."""
        with explained(self.path):
            return spent_on(self.db, day, zone)
