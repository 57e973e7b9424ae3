"""The slots of a job that have come due, and how each would end: a pure rule.

Whether a job rests or is still busy is not known here; the bus decides that as it writes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from harness.bus.port import Due, SlotStatus
from harness.config.cronfile import Misfire
from harness.config.job import Job
from harness.services.fires import request_in_time
from harness.services.misfire import PUNCTUAL, verdict

DAY = timedelta(days=1)
LISTED = 500  # newest missed slots of a job that get a row each; older ones may share one
ABSENT = "nobody was there in time"


class Backlog:
    """What a job owes at one moment, oldest first, to be taken in portions.

    `following` is the next slot that is not taken yet; None when there is none any more.
    """

    def __init__(self, job: Job, after: datetime, now: datetime) -> None:
        """The slots of `job` that are later than `after`, as they stand at `now`."""
        self.job, self.now = job, now
        self.run = long_run(job, after, now)
        self.slots = job.slots(self.run.slot if self.run else after)
        self.following = next(self.slots, None)

    @property
    def is_paid(self) -> bool:
        return self.run is None and (self.following is None or self.following > self.now)

    def take(self, limit: int) -> list[Due]:
        """The next slots, at most `limit` of them; empty once nothing is owed."""
        dues = [self.run] if self.run else []
        self.run = None
        while len(dues) < limit and not self.is_paid:
            dues.append(self._next())
        return dues

    def _next(self) -> Due:
        assert self.following is not None
        slot, self.following = self.following, next(self.slots, None)
        return due(self.job, slot, self.following, self.now)


def due(job: Job, slot: datetime, following: datetime | None, now: datetime) -> Due:
    """How a slot ends that came due; `following` is the next slot of the job."""
    late, grace = now - slot, job.grace(slot, following)
    newest = following is None or following > now
    status = verdict(late, newest=newest, misfire=job.line.misfire, grace=grace)
    if status is SlotStatus.MISSED:
        return Due(slot, late, status, note=ABSENT)
    return Due(slot, max(late, timedelta(0)), status, request_in_time(job, now, grace))


def long_run(job: Job, after: datetime, now: datetime) -> Due | None:
    """The oldest slots of an absence as one, when they are too many to be read: all but the
    newest of those that are missed whatever follows."""
    grace = timedelta(0) if job.line.misfire is Misfire.SKIP else job.longest_grace
    horizon = now - max(grace, PUNCTUAL) - timedelta(seconds=1)
    most = job.per_day * ((horizon - after) / DAY + 2)  # spares most jobs the counting
    if most <= 2 * LISTED or job.count(after, horizon) <= 2 * LISTED:
        return None
    span = timedelta(seconds=LISTED)
    while job.count(horizon - span, horizon) < LISTED:
        span *= 2
    last = job.newest(after, horizon - span)
    first = next(job.slots(after))
    if last is None or last <= first:
        return None
    count = job.count(after, last)
    return Due(last, now - last, SlotStatus.MISSED, note=ABSENT, count=count, first=first)
