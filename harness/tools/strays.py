"""Processes that a call left behind, found and ended.

A command's children may leave its group and its parents, so two marks find them: the session
they were born in, and a variable in their environment. Who sheds both is not found.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "HARNESS_CALL"
ROUNDS = 20  # of looking, for what forks while it is ended
PROC = Path("/proc")


def end(mark: str, sessions: AbstractSet[int]) -> None:
    """Kill whatever carries the mark or belongs to one of the sessions, until nothing does."""
    for _ in range(ROUNDS):
        found = list(strays(mark, sessions))
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def strays(mark: str, sessions: AbstractSet[int]) -> Iterator[int]:
    """The pids of living processes of a call."""
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if (os.getsid(pid) in sessions or _carries(pid, mark)) and _lives(pid):
                yield pid


def _carries(pid: int, mark: str) -> bool:
    if PROC.is_dir():
        return f"{MARK}={mark}\0".encode() in (PROC / str(pid) / "environ").read_bytes()
    return psutil.Process(pid).environ().get(MARK) == mark


def _lives(pid: int) -> bool:
    return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
