"""The request that a job makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from harness.bus.port import Priority, Request
from harness.config.cronfile import Overlap
from harness.config.job import Job

CRON = "cron"
WORK = "work"  # of a payload: what the house is to do itself, instead of a session


def request_in_time(job: Job, now: datetime, grace: timedelta) -> Request:
    """What a slot asks that fires `now`: nobody wants its answer hours late.

    Past its grace and the time of one attempt it is not begun any more, whatever held it up
    (a power cut, a model that was away). A job that queues its tasks wants each of them.
    """
    wish = request_of(job)
    if job.line.overlap is Overlap.QUEUE:
        return wish
    return replace(wish, deadline=now + grace + job.line.timeout)


def request_of(job: Job, sender: str = CRON) -> Request:
    """What a job asks of its agent, whether its time has come or a person wants it now."""
    line, work = job.line, list(map(str, job.line.work or ()))
    return Request(
        agent=line.agent,
        prompt=line.prompt or f"The house's own work: {', '.join(work)}.",
        sender=sender,
        title=line.title or job.id,
        priority=Priority(line.priority),
        timeout=line.timeout,
        job=job.id,
        deliver=tuple(line.deliver),
        payload={WORK: work} if work else {},
    )
