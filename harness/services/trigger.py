"""APScheduler's trigger for the whole schedule: it rings at the soonest slot of any job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from harness.clock import Clock


class SoonestSlot(BaseTrigger):  # type: ignore[misc]
    """Rings once, when a slot is due by our clock.

    When that is follows from wall-clock rules of our own (harness/cronline); APScheduler's cron
    trigger loses a day at a spring change and counts weekdays from Monday. `now` is read off the
    machine's clock, so only the distance to the slot is taken from ours.
    """

    def __init__(self, slot: datetime, clock: Clock) -> None:
        self.slot, self.clock = slot, clock

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> Any:
        if previous is not None:
            return None
        return now + max(self.slot - self.clock.now(), timedelta(0))
