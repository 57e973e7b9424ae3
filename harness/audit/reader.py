"""The audit as people read it: the last lines, and those that come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.audit.files import log_files
from harness.audit.line import Line, line_of


def last_lines(folder: Path, limit: int) -> list[Line]:
    """The last lines, oldest first. What is no line is passed over: `verify` tells of it."""
    found: list[Line] = []
    for path in reversed(log_files(folder)):
        found = [*whole_lines(path), *found]
        if len(found) >= limit:
            break
    return found[-limit:]


def lines_behind(folder: Path, seq: int) -> list[Line]:
    """The lines that came after line `seq`."""
    found: list[Line] = []
    for path in reversed(log_files(folder)):
        lines = list(whole_lines(path))
        found = [line for line in lines if line.seq > seq] + found
        if lines and lines[0].seq <= seq:
            break
    return found


def whole_lines(path: Path) -> Iterator[Line]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:  # pruned just now
        return
    yield from filter(None, map(line_of, raw.splitlines()))
