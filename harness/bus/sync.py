"""The bus for a command: no event loop and no thread, the same steps, each one durable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from harness.bus import approvals, conversation, schedule, transitions
from harness.bus.bells import Neighbours
from harness.bus.port import Approval, JobState, Note, Request, Task
from harness.bus.reader import Reader
from harness.bus.schema import open_to_write
from harness.bus.transaction import Transaction
from harness.clock import Clock
from harness.closing import Closing
from harness.config.home import Home
from harness.db.connection import explained, transaction
from harness.ids import Ids

P = ParamSpec("P")
T = TypeVar("T")


class SyncBus(Closing):
    """Writes to the home's database, beside a running daemon or without one.

    with SyncBus(home, clock, ids) as bus:
        task = bus.request(Request("scout", "Look around."))
    """

    def __init__(self, home: Home, clock: Clock, ids: Ids) -> None:
        """Make or migrate the database. Raises SchemaTooNew (78), HarnessError."""
        self.home, self.clock, self.ids = home, clock, ids
        self.db = open_to_write(home.database)
        self.reader = Reader(home.database)
        self.neighbours = Neighbours(home.bells)

    def close(self) -> None:
        self.reader.close()
        self.db.close()

    def run(
        self,
        step: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Take any step of the bus, as in `bus.run(schedule.settle, job, dues, overlap)`;
        returns when it is durable, and the daemon has been woken."""
        with explained(self.home.database), transaction(self.db):
            value = step(Transaction.begun(self.db, self.clock, self.ids), *args, **kwargs)
        self.neighbours.ring()
        return value

    def request(self, request: Request) -> Task:
        """Store a request; with a `key` already known, return that task unchanged."""
        return self.run(transitions.request, request)

    def resend(self, task_id: str, *, actor: str) -> Task:
        """Send a dead task again. Raises NotFound, IllegalTransition."""
        return self.run(transitions.resend, task_id, actor=actor)

    def cancel(self, task_id: str, *, actor: str, note: str | None = None) -> Task:
        """End a task that is not final. Raises NotFound, IllegalTransition."""
        return self.run(transitions.cancel, task_id, actor=actor, note=note)

    def tell(self, task_id: str, sender: str, text: str) -> Note:
        """Leave a note for a task under way. Raises NotFound, IllegalTransition."""
        return self.run(conversation.tell, task_id, sender, text)

    def decide(
        self, approval_id: str, *, approved: bool, actor: str, note: str | None = None
    ) -> Approval:
        """Write a person's word to a call. Raises NotFound, IllegalTransition."""
        return self.run(approvals.decide, approval_id, approved=approved, actor=actor, note=note)

    def pause(self, job: str) -> JobState:
        """Let a job rest: its slots are skipped until it is resumed."""
        return self.run(schedule.pause, job, paused=True)

    def resume(self, job: str) -> JobState:
        """Let a paused job go on."""
        return self.run(schedule.pause, job, paused=False)
