"""What a step of the bus gets: one open transaction, one instant, fresh ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.bus import rows, statements
from harness.bus.port import Task
from harness.bus.rows import Row
from harness.clock import Clock, stamp, unstamp


@dataclass(frozen=True)
class Transaction:
    """All that one step writes, it writes here, and at this instant."""

    db: sqlite3.Connection
    at: str  # the instant as it is stored
    ids: Callable[[], str]

    @classmethod
    def begun(cls, db: sqlite3.Connection, clock: Clock, ids: Callable[[], str]) -> Transaction:
        return cls(db, stamp(clock.now()), ids)

    @property
    def now(self) -> datetime:
        return unstamp(self.at)

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """Run one statement to its end: a RETURNING that is left half read bars the commit."""
        return self.db.execute(statement, values).fetchall()

    def row(self, statement: str, values: Mapping[str, Any]) -> Row | None:
        return next(iter(self.rows(statement, values)), None)

    def task(self, statement: str, values: Mapping[str, Any]) -> Task | None:
        row = self.row(statement, values)
        return rows.task_of(row) if row else None

    def log(self, task: Task, actor: str, note: str | None = None) -> None:
        """Append the event of the step that led `task` to where it is now."""
        self.db.execute(
            statements.log_event(),
            {
                "task": task.id,
                "state": task.state.value,
                "outcome": task.outcome and task.outcome.value,
                "attempt": task.attempt,
                "actor": actor,
                "at": self.at,
                "note": note,
            },
        )
