"""What becomes of a slot when its time has come, or gone by: a pure rule."""

from __future__ import annotations

from datetime import timedelta

from harness.bus.port import SlotStatus
from harness.config.cronfile import Misfire

PUNCTUAL = timedelta(seconds=60)  # so late a slot still counts as on time


def verdict(late: timedelta, *, newest: bool, misfire: Misfire, grace: timedelta) -> SlotStatus:
    """Whether a due slot fires or was missed; `newest`: no later slot of the job is due."""
    if late <= PUNCTUAL:
        return SlotStatus.FIRED
    if misfire is Misfire.SKIP or late > grace:
        return SlotStatus.MISSED
    if misfire is Misfire.ALL or newest:
        return SlotStatus.FIRED
    return SlotStatus.MISSED
