"""The lines of a text as YAML and editors count them.

`splitlines` also ends a line at form feeds and at U+0085, U+2028 and U+2029.
"""

from __future__ import annotations

import io


def lines_of(text: str) -> list[str]:
    """The lines with their ends: line feed, carriage return, or both."""
    return list(io.StringIO(text, newline=""))


def bare_lines(text: str) -> list[str]:
    """The lines without their ends."""
    return [line.rstrip("\r\n") for line in lines_of(text)]


def end_of(text: str) -> tuple[int, int]:
    """The place behind a text: line and column, counted from 0."""
    lines = lines_of(text)
    if not lines or lines[-1].endswith(("\r", "\n")):
        return len(lines), 0
    return len(lines) - 1, len(lines[-1])
