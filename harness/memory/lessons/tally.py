"""How many lessons are open, counted at a glance: no entry is read further than its status."""

from __future__ import annotations

import re
from contextlib import suppress

from harness.config.home import Home
from harness.errors import HarnessError
from harness.files import read_exact
from harness.memory.learning import Kind, Status
from harness.memory.lessons.entries import Entry, parse
from harness.memory.lessons.reading import kind_of, status_of

OPEN = (Status.PENDING, Status.IN_PROGRESS)
COUNTED = (Kind.ERROR, Kind.LEARNING)  # of what may become a rule
_STATUS = re.compile(r"^\*\*Status(?:\*\*:|:\*\*)[ \t]*(\w+)", re.MULTILINE)


def open_lessons(home: Home, agent: str) -> int:
    """Of an agent; a file that cannot be read counts for none."""
    found = 0
    for kind in COUNTED:
        with suppress(OSError, HarnessError):
            found += open_in(read_exact(home.learnings(agent) / kind.file) or "")
    return found


def open_in(text: str) -> int:
    """Of a file."""
    entries = (entry for entry in parse(text).entries if kind_of(entry.id) in COUNTED)
    return sum(status_at_a_glance(entry) in OPEN for entry in entries)


def status_at_a_glance(entry: Entry) -> str:
    """The status where the format has it, in the head; wherever else it may stand, otherwise."""
    head = entry.text.partition("\n#")[0]
    found = _STATUS.search(head) if "```" not in head and "~~~" not in head else None
    return found[1].casefold() if found else status_of(entry)
