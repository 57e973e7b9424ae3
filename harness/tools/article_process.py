"""Reading a stranger's page in a process of its own: HTML on stdin, the article as JSON on stdout.

The parser can be kept busy for hours by a page of nested tags, and a thread cannot be stopped:
it would hold a core, a place among the few threads of the house, and its end. This module is
also what that process runs, so it imports little: a start takes 25 ms.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict

from harness.tools.article import extract

SECONDS = 10  # of work; a page of 5 MB that means no harm takes less than three
BYTES = 1 << 30  # of address space
PATIENCE = 30.0  # seconds for all of it, on a machine that has other work too


def main() -> None:
    """Read one page, within limits that the system keeps, and after everybody else."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    article = extract(sys.stdin.buffer.read().decode("utf-8"))
    sys.stdout.buffer.write(json.dumps(asdict(article)).encode())


if __name__ == "__main__":
    main()
