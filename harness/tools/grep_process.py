"""Searching in a process of its own: a wish as JSON on stdin, what was found as lines of JSON.

A pattern can keep Python's `re` busy for years (`(a+)+$`), and while it does, no other thread of
the process runs: not even the one that would give up. A process can be ended from outside.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.rooted import Root
from harness.text.marks import sources_of

SECONDS = 5  # of work, for all files
BYTES = 1 << 30  # of address space
PATIENCE = 20.0  # seconds for all of it, on a machine that has other work too
LONGEST_LINE = 10_000  # characters in which is searched
SHOWN = 300  # characters of a line
BEFORE = 100  # of these, before what was found


def main() -> None:
    """Search within limits that the system keeps, and after everybody else."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    for found in answers(json.load(sys.stdin)):
        print(json.dumps(found), flush=True)


def answers(wish: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every line that fits, then an account; or the fault of the pattern alone."""
    try:
        pattern = re.compile(wish["pattern"], re.IGNORECASE if wish["ignore_case"] else 0)
    except (re.error, RecursionError, OverflowError) as error:
        yield {"fault": str(error) or type(error).__name__}
        return
    root = Root(Path(wish["folder"]))
    left, passed = wish["limit"], 0
    for path in wish["files"]:
        text = text_of(root, path, wish["max_bytes"])
        passed += text is None
        for hit in hits(pattern, path, text or ""):
            if not left:
                yield {"passed": passed, "more": True}
                return
            left -= 1
            yield hit
    yield {"passed": passed, "more": False}


def text_of(root: Root, path: str, max_bytes: int) -> str | None:
    """The text of a file; None for one that is none, is too large, or is gone."""
    try:
        data = root.read(path, max_bytes)
    except HarnessError:
        return None
    return None if b"\0" in data else data.decode("utf-8", errors="replace")


def hits(pattern: re.Pattern[str], path: str, text: str) -> Iterator[dict[str, Any]]:
    """The lines of a text that fit, and whether it holds words from outside."""
    outside: bool | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if found := pattern.search(line.rstrip("\r")[:LONGEST_LINE]):
            outside = bool(sources_of(text)) if outside is None else outside
            shown = excerpt(line.rstrip("\r"), found.start())
            yield {"file": path, "line": number, "text": shown, "outside": outside}


def excerpt(line: str, at: int) -> str:
    """The part of a line in which something was found, what was left out marked."""
    if len(line) <= SHOWN:
        return line
    begin = max(at - BEFORE, 0)
    end = begin + SHOWN
    return f"{'…' if begin else ''}{line[begin:end]}{'…' if end < len(line) else ''}"


if __name__ == "__main__":
    main()
