"""One row for many slots: how the row of a long absence says what it stands for.

A job of a short period leaves more slots behind, while nobody is there, than anybody wants to
read: the oldest share the row of the newest of them. Its note tells their number and the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from harness.bus.port import Slot
from harness.clock import stamp, unstamp

RUN = re.compile(r"; one row for (\d+) slots since (\S+)$")


@dataclass(frozen=True)
class Run:
    """The slots that a row stands for: itself the last of them."""

    count: int
    first: datetime


def note_of(why: str, count: int, first: datetime) -> str:
    """The note of the row of a run."""
    return f"{why}; one row for {count} slots since {stamp(first)}"


def run_of(slot: Slot) -> Run:
    """What a row stands for; mostly for its own slot alone."""
    said = RUN.search(slot.note or "")
    return Run(int(said[1]), unstamp(said[2])) if said else Run(1, slot.slot)
