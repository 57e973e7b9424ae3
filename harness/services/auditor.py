"""The auditor: writes down how each task ended, and each tool call of its sessions."""

from __future__ import annotations

import asyncio

import structlog

from harness.audit.book import AuditBook
from harness.audit.reader import last_lines
from harness.bus.port import Event, State, Task
from harness.bus.sqlite import SqliteBus
from harness.models.port import ToolCall
from harness.services.waiting import unless
from harness.tools.tool import ToolResult

log = structlog.get_logger("auditor")

ENDED = "task.ended"
CALLED = "tool.called"
ASKED = "tool.asked"  # a person is to decide: the call was not made yet
IDLE_SECONDS = 30.0
LOOK_BACK = 20_000  # lines of the audit in which the last end is looked for


class Auditor:
    """Follows the bus's own log, so that no way to end a task goes by unseen.

    The audit itself tells where an earlier daemon stopped: what ended since then, killed
    daemon or none at all, is caught up.
    """

    def __init__(self, bus: SqliteBus, audit: AuditBook) -> None:
        self.bus = bus
        self.audit = audit
        self.start = bus.reader.last_seq()  # before this daemon changes anything
        self.seen: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop; what the others still ended is then written too."""
        if self.seen is None:
            self.seen = await asyncio.to_thread(self.last_written)
        while not stop.is_set():
            self.look()
            await unless(stop, self.bus.wait(IDLE_SECONDS))
        self.look()

    def look(self) -> None:
        """Record every end behind the last one seen."""
        assert self.seen is not None
        while events := self.bus.reader.events_after(self.seen):
            for event in events:
                if event.state in {State.FINAL, State.DEAD}:
                    self.record(event, self.bus.reader.get(event.task))
            self.seen = events[-1].seq

    def record(self, event: Event, task: Task) -> None:
        facts = {
            "agent": task.agent,
            "state": str(event.state),
            "outcome": str(event.outcome) if event.outcome else None,
            "attempt": event.attempt,
            "note": event.note,
            "event": event.seq,
        }
        self.audit.record(event.actor, ENDED, task.id, facts)

    def last_written(self) -> int:
        """The event that the audit told of last; the newest of the bus in a new audit."""
        for line in reversed(last_lines(self.audit.audit.folder, LOOK_BACK)):
            event = line.details.get("event")
            if line.action == ENDED and isinstance(event, int):
                return min(event, self.start)  # an older database may have been put back
        return self.start


class CallRecords:
    """Writes each tool call of one session down once it is over, or cut off."""

    def __init__(self, audit: AuditBook, task: Task) -> None:
        self.audit = audit
        self.task = task

    def __call__(self, call: ToolCall, result: ToolResult | None) -> None:
        """`result` is None for a call that was cut off: whether it had an effect is unknown."""
        facts = {
            "task": self.task.id,
            "attempt": self.task.attempt,
            "arguments": dict(call.arguments),
            "ok": result.ok if result else None,
            "verdict": result.verdict if result else None,
        }
        waits = {"approval": result.waits} if result and result.waits else {}
        action = ASKED if waits else CALLED
        self.audit.record(f"agent:{self.task.agent}", action, call.name, facts | waits)
