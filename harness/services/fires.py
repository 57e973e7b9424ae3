"""The request that a job makes."""

from __future__ import annotations

from harness.bus.port import Priority, Request
from harness.config.job import Job

CRON = "cron"


def request_of(job: Job, sender: str = CRON) -> Request:
    """What a job asks of its agent, whether its time has come or a person wants it now."""
    line = job.line
    return Request(
        agent=line.agent,
        prompt=line.prompt,
        sender=sender,
        title=line.title or job.id,
        priority=Priority(line.priority),
        timeout=line.timeout,
        job=job.id,
        deliver=tuple(line.deliver),
    )
