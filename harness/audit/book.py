"""The audit as the daemon has it: to record never waits, a thread does the writing."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping
from typing import Any

import structlog

from harness.audit.line import LOST, Deed
from harness.audit.log import AUDIT, AuditLog
from harness.clock import Clock, stamp

log = structlog.get_logger("audit")

MOST_WAITING = 10_000  # deeds in memory while the disk hangs; what comes then is lost
LARGEST_BATCH = 256


class AuditBook:
    """Takes deeds at once and writes them in their order; what cannot be written is counted.

    A full disk stops nobody: each line that is lost goes to the daemon's log, and their number
    into the audit as soon as it can be written again.
    """

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self.audit = audit
        self.clock = clock
        self.lost = 0  # since the start
        self._untold = 0
        self._queue: queue.SimpleQueue[Deed | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def record(
        self,
        actor: str,
        action: str,
        target: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Put a deed down; it is on the disk a moment later. Never raises, never waits."""
        deed = Deed(stamp(self.clock.now()), actor, action, target, dict(details or {}))
        if self._queue.qsize() >= MOST_WAITING:
            self._lose([deed], "too many lines wait for the disk")
            return
        self._queue.put(deed)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="audit", daemon=True)
            self._thread.start()

    async def aclose(self) -> None:
        """Write what still waits. A deed recorded later starts anew."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _serve(self) -> None:
        while True:
            batch, more = self._gather()
            if batch:
                self._write(batch)
            if not more:
                return

    def _gather(self) -> tuple[list[Deed], bool]:
        """What waits, after a wait for the first; False once the book is to close."""
        batch: list[Deed] = []
        deed = self._queue.get()
        while deed is not None:
            batch.append(deed)
            if len(batch) == LARGEST_BATCH or self._queue.empty():
                return batch, True
            deed = self._queue.get()
        return batch, False

    def _write(self, batch: list[Deed]) -> None:
        untold = self._untold
        missing = [Deed(batch[0].at, AUDIT, LOST, None, {"lines": untold})] if untold else []
        try:
            self.audit.append([*missing, *batch])
        except Exception as error:  # the boundary: no fault of the audit may stop the crew
            self._lose(batch, f"{type(error).__name__}: {error}")
        else:
            self._untold -= untold

    def _lose(self, deeds: list[Deed], why: str) -> None:
        self.lost += len(deeds)
        self._untold += len(deeds)
        for deed in deeds:
            log.error("not written to the audit", deed=deed.action, target=deed.target, reason=why)
