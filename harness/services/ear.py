"""An ear: the pipe on which another process hears what happens in a task.

Named pipes, as for bells (`harness.bus.bells`), and the kernel's 64 KiB are the room that a slow
reader has. Each line is one JSON object, no longer than what a pipe takes in one piece.
"""

from __future__ import annotations

import itertools
import json
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.bus.bells import Neighbours, make_pipe
from harness.closing import Closing
from harness.files import make_folder

BELLS = "bells"  # beside the pipes: where the daemon hears that there is a new one
READ_BYTES = 65_536

_numbers = itertools.count()


class Ear(Closing):
    """Hears of one task, from now until it is closed; with the running attempt so far."""

    def __init__(self, folder: Path, task: str) -> None:
        """Make a pipe in `folder`, and tell the daemon. Raises OSError."""
        make_folder(folder)
        self.path = folder / f"{task}.{os.getpid()}-{next(_numbers)}"
        self._read, self._write = make_pipe(self.path)
        self._rest = b""
        Neighbours(folder / BELLS).ring()

    def hear(self, seconds: float) -> Iterator[dict[str, Any]]:
        """What came, after waiting for it for at most so long: happenings as plain objects, as
        `services.happening.shape` makes them."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        if not ready:
            return
        *lines, self._rest = (self._rest + os.read(self._read, READ_BYTES)).split(b"\n")
        yield from map(json.loads, lines)

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._read)
        os.close(self._write)


def task_of(pipe: Path) -> str:
    """Whose pipe it is, by its name."""
    return pipe.name.partition(".")[0]
