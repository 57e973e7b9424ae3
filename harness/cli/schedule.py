"""What the commands show of the schedule: the file's jobs with what the database knows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from harness.bus.reader import Reader
from harness.config.crontab import Crontab
from harness.config.job import Job


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


def instant(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def in_zone(job: Job, moment: datetime | None) -> str | None:
    return moment.astimezone(job.zone).isoformat(timespec="seconds") if moment else None


def wall(moment: datetime) -> str:
    return moment.strftime("%a %Y-%m-%d %H:%M %Z").strip()
