"""The auditor: writes down how each task ended, and each tool call of its sessions."""

from __future__ import annotations

import asyncio
from types import TracebackType

import structlog

from harness.audit.book import AuditBook
from harness.audit.reader import last_lines
from harness.bus.port import Event, State, Task
from harness.bus.sqlite import SqliteBus
from harness.models.port import ToolCall
from harness.services.waiting import unless
from harness.session.steps import Step, ToolFinished, ToolStarted

log = structlog.get_logger("auditor")

ENDED = "task.ended"
CALLED = "tool.called"
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
    """Hears the steps of one session; records each tool call once it is over, or cut off."""

    def __init__(self, audit: AuditBook, task: Task) -> None:
        self.audit = audit
        self.task = task
        self._open: dict[str, ToolCall] = {}

    async def hear(self, step: Step) -> None:
        if isinstance(step, ToolStarted):
            self._open[step.call.id] = step.call
        elif isinstance(step, ToolFinished):
            call = self._open.pop(step.result.call_id, None)
            self.write(step.result.name, call, ok=step.result.ok)

    def write(self, name: str, call: ToolCall | None, *, ok: bool | None) -> None:
        facts = {
            "task": self.task.id,
            "attempt": self.task.attempt,
            "arguments": call.arguments if call else None,
            "ok": ok,
        }
        self.audit.record(f"agent:{self.task.agent}", CALLED, name, facts)

    def __enter__(self) -> CallRecords:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for call in self._open.values():  # whether they had an effect is not known
            self.write(call.name, call, ok=None)
        self._open.clear()
