"""The channel `log`: one JSON line for each delivered task, for scripts and for looking back."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

from harness.bus.port import Result, Task
from harness.clock import Clock, stamp
from harness.config.home import Home
from harness.delivery.degraded import with_notice
from harness.files import PRIVATE_FILE, make_folder, sync_folder

MAX_BYTES = 5 * 1024 * 1024
OLD_FILES = 3  # deliveries.1.jsonl is the youngest of them


class DeliveryLog:
    """Appends to `deliveries.jsonl`; never a second line for the same task."""

    name = "log"

    def __init__(self, home: Home, clock: Clock, *, max_bytes: int = MAX_BYTES) -> None:
        self.home = home
        self.clock = clock
        self.max_bytes = max_bytes  # of one file; a longer line still gets a file of its own

    async def deliver(self, task: Task) -> str:
        """Write the line, durable when this returns; the file's path, relative to the home.

        Raises OSError.
        """
        await asyncio.to_thread(self.put, task)
        return self.file(0).relative_to(self.home.root).as_posix()

    def put(self, task: Task) -> None:
        if any(holds(self.file(age), task.id) for age in range(OLD_FILES + 1)):
            return
        line = self.line(task).encode()
        make_folder(self.home.logs)
        if size(self.file(0)) + len(line) > self.max_bytes:
            self.rotate()
        append(self.file(0), line)

    def line(self, task: Task) -> str:
        result = task.result or Result()
        entry = {
            "task": task.id,
            "agent": task.agent,
            "from": task.sender,
            "title": task.title,
            "job": task.job,
            "outcome": task.outcome,
            "model": result.model,
            "degraded": result.degraded,
            "created_at": stamp(task.created_at),
            "finished_at": stamp(task.updated_at),
            "delivered_at": stamp(self.clock.now()),
            "text": with_notice(result),
        }
        return json.dumps(entry, ensure_ascii=False) + "\n"

    def file(self, age: int) -> Path:
        return self.home.logs / ("deliveries.jsonl" if age == 0 else f"deliveries.{age}.jsonl")

    def rotate(self) -> None:
        for age in reversed(range(OLD_FILES)):
            if self.file(age).exists():
                self.file(age).replace(self.file(age + 1))


def holds(path: Path, task_id: str) -> bool:
    """Whether a whole line of the file tells of this task; half a line of a crash does not."""
    return path.exists() and any(entry.get("task") == task_id for entry in entries(path, task_id))


def entries(path: Path, mention: str) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if mention in line:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


def append(path: Path, line: bytes) -> None:
    """Add a line that is on the disk on return, below what a crash may have left half done."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        end = os.fstat(handle).st_size
        torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
        file.write(b"\n" + line if torn else line)
        os.fsync(handle)
    if end == 0:
        sync_folder(path.parent)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
