"""How urgent a request is."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """Smaller sorts first."""

    P0 = "P0"  # now: ahead of everything that waits
    P1 = "P1"  # the day's work
    P2 = "P2"  # whenever there is room
