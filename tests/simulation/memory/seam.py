"""The end of a process at any durable write: before it, after it, or in the middle of a line."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

from harness.memory.rules import journal
from tests.simulation.disk import Crash

MOST = 12  # writes that may come before the last one
TORN = 0.3  # of the crashes in the journal, those that tear its last line


class Seam:
    """Every durable write of this process goes by here, but those of the audit's thread. It is not
    waited for: nobody cuts the power of this machine."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.left = 0  # writes until the crash; 0: none comes
        self.crashes = 0

    def arm(self, share: float) -> None:
        """With that probability, one of the next writes is the last."""
        self.left = self.dice.randint(1, MOST) if self.dice.random() < share else 0

    def fsync(self, handle: int) -> None:
        if self.left == 0 or threading.current_thread().name == "audit":
            return
        self.left -= 1
        if self.left == 0:
            self.crashes += 1
            caller = sys._getframe(1).f_code
            if caller.co_filename == journal.__file__ and self.dice.random() < TORN:
                os.ftruncate(handle, os.fstat(handle).st_size - self.dice.randint(1, 60))
            raise Crash


@contextmanager
def durable(seam: Seam) -> Iterator[None]:
    """The seam in place of the system's own."""
    with patch.object(os, "fsync", seam.fsync):
        yield
