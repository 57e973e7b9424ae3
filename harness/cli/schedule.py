"""What the commands show of the schedule: the file's jobs with what the database knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.bus.port import State
from harness.bus.reader import Reader
from harness.config.cronfile import Overlap
from harness.config.crontab import Crontab
from harness.config.job import Job

PUNCTUAL = timedelta(seconds=60)  # what is later than this, a running crew has written


@dataclass(frozen=True)
class CronRow:
    """One job as `cron list` shows it."""

    job: str
    agent: str
    cron: str
    timezone: str
    enabled: bool
    paused: bool
    next_run: str | None
    last_slot: str | None
    last_status: str | None

    def shape(self) -> dict[str, Any]:
        return asdict(self)

    def next_run_local(self) -> str:
        """The next run as the clock of the job's own zone shows it."""
        return wall(datetime.fromisoformat(self.next_run)) if self.next_run else "-"


def cron_rows(crontab: Crontab, reader: Reader, now: datetime) -> list[CronRow]:
    """Every job, soonest first; those that do not fire come last."""
    jobs, last = reader.jobs(), reader.last_slots()
    rows = []
    for job in crontab.jobs.values():
        paused = job.id in jobs and jobs[job.id].paused
        due = next(job.slots(now), None) if job.enabled and not paused else None
        before = last.get(job.id)
        rows.append(
            CronRow(
                job=job.id,
                agent=job.agent,
                cron=job.schedule,
                timezone=job.zone.key,
                enabled=job.enabled,
                paused=paused,
                next_run=in_zone(job, due),
                last_slot=in_zone(job, before.slot) if before else None,
                last_status=before.status if before else None,
            )
        )
    return sorted(rows, key=lambda row: (row.next_run is None, instant(row.next_run), row.job))


def remarks(job: Job, reader: Reader, *, asked: bool) -> Iterator[str]:
    """Why a job may not fire when its line says so; `asked`: a person wants to know of it."""
    known = reader.job(job.id)
    if not job.enabled:
        if asked:
            yield f"{job.id} is not enabled in cron.yaml: it has no slots"
    elif known is not None and known.paused:
        yield f"{job.id} is paused: its slots are skipped until: harness cron resume {job.id}"
    elif job.line.after is not None:
        yield f"{job.id} has no times of its own: it fires {job.schedule}, once they are over"
    elif asked and job.at is not None and job.at <= datetime.now(UTC):
        yield f"{job.id}: {job.schedule} has passed; it fires no more"
    elif job.line.overlap is Overlap.SKIP and (task := open_task(job, reader)) is not None:
        yield f"{job.id} is busy with task {task}: slots that come before its end are skipped"


def open_task(job: Job, reader: Reader) -> str | None:
    tasks = [
        task.id
        for state in (State.CONFIRMED, State.REQUEST)
        for task in reader.tasks(job=job.id, state=state, limit=1)
    ]
    return next(iter(tasks), None)


def owing(job: Job, reader: Reader, now: datetime) -> str | None:
    """That slots of a job have passed of which the crew knows nothing yet, if it is so."""
    known = reader.job(job.id)
    if known is None or not job.enabled or known.fingerprint != job.fingerprint:
        return None
    last = reader.last_slot(job.id)
    since = max(known.since, last.slot) if last else known.since
    count = job.count(since, now - PUNCTUAL) if since < now - PUNCTUAL else 0
    if not count:
        return None
    return f"{job.id}: {count} slots since {wall(since.astimezone(job.zone))} await the crew"


def instant(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def in_zone(job: Job, moment: datetime | None) -> str | None:
    return moment.astimezone(job.zone).isoformat(timespec="seconds") if moment else None


def wall(moment: datetime) -> str:
    seconds = ":%S" if moment.second else ""
    return moment.strftime(f"%a %Y-%m-%d %H:%M{seconds} %Z").strip()
