"""APScheduler's alarm clock set by our own slots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from harness.config.job import Job


class SlotTrigger(BaseTrigger):  # type: ignore[misc]
    """Rings at each slot of a job. What is due is decided from the slot rows, not here, so
    slots that passed unheard need no ring of their own."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> Any:
        return next(self.job.slots(max(previous or now, now)), None)
