"""The scheduler: turns each due slot of cron.yaml into one row, and mostly into one request.

APScheduler is the alarm clock. What is due is decided from our own slot rows, so that no
restart, reload, clock step or second ring can fire a slot twice or leave it as nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import nsmallest

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from harness.bus.port import JobState, SlotStatus, State
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.config.cronfile import Overlap
from harness.config.crontab import Crontab
from harness.config.job import Job
from harness.services.fires import CRON, request_of
from harness.services.misfire import verdict
from harness.services.trigger import SlotTrigger
from harness.services.waiting import unless

log = structlog.get_logger("scheduler")

# the alarm may sleep through a suspend, a clock step, or an error of its own
WATCHDOG_SECONDS = 5.0


class Scheduler:
    """Fires the jobs of one schedule. `tick` does all the work; the alarm only calls it."""

    def __init__(self, bus: SqliteBus, crontab: Crontab, clock: Clock) -> None:
        self.bus = bus
        self.crontab = crontab
        self.clock = clock
        self.due: dict[str, datetime] = {}  # the next slot of each enabled job
        self.alarm: AsyncIOScheduler | None = None
        self.deciding = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        self.alarm = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1000},
        )
        self.alarm.start()
        try:
            await self.apply(self.crontab)
            while not stop.is_set():
                await self.tick()
                await unless(stop, self.clock.sleep(WATCHDOG_SECONDS))
        finally:
            self.alarm.shutdown(wait=False)
            self.alarm = None

    async def apply(self, crontab: Crontab) -> None:
        """Go over to another schedule: jobs are known by their ids, the file is the truth.

        A new job, and one whose times have changed, starts now: no earlier slot is due.
        """
        async with self.deciding:
            self.crontab = crontab
            self.due = {}
            for job in crontab.jobs.values():
                since = await self.remember(job)
                if job.enabled:
                    self.look_ahead(job, since)
        self.set_alarm()

    async def remember(self, job: Job) -> datetime:
        """The instant after which the job's slots count."""
        known = await self.bus.job(job.id)
        if known is None or known.fingerprint != job.fingerprint:
            known = await self.bus.set_job(
                JobState(job.id, job.fingerprint, self.clock.now(), paused=False)
            )
        last = await self.bus.last_slot(job.id)
        return max(known.since, last.slot) if last else known.since

    def set_alarm(self) -> None:
        if self.alarm is None:
            return
        self.alarm.remove_all_jobs()
        for job in self.crontab.jobs.values():
            if job.enabled and job.id in self.due:
                self.alarm.add_job(self.tick, SlotTrigger(job), id=job.id)

    async def tick(self) -> None:
        """Record every slot that is due by our clock."""
        async with self.deciding:
            now = self.clock.now()
            for name in [name for name, due in self.due.items() if due <= now]:
                await self.settle(self.crontab.jobs[name], now)

    async def settle(self, job: Job, now: datetime) -> None:
        """Decide on all due slots of one job, oldest first."""
        state = await self.bus.job(job.id)
        paused = state is not None and state.paused
        after = await self.remember(job)
        for slot, newest in due_slots(job, after, now):
            if paused:
                await self.record(job, slot, now, SlotStatus.SKIPPED, "paused")
            else:
                grace = job.grace(slot)
                status = verdict(slot, now, newest=newest, misfire=job.line.misfire, grace=grace)
                await self.fire_or_miss(job, slot, now, status)
            after = slot
        self.look_ahead(job, after)

    async def fire_or_miss(
        self, job: Job, slot: datetime, now: datetime, status: SlotStatus
    ) -> None:
        if status is not SlotStatus.FIRED:
            await self.record(job, slot, now, status, "nobody was there in time")
        elif await self.is_free(job):
            await self.record(job, slot, now, status, None)
        else:
            note = "the task before is not over"
            await self.record(job, slot, now, SlotStatus.SKIPPED, note)

    async def is_free(self, job: Job) -> bool:
        """Whether the job may ask again, with its older tasks treated as `overlap` says."""
        if job.line.overlap is Overlap.QUEUE:
            return True
        older = [
            task
            for state in (State.REQUEST, State.CONFIRMED)
            for task in self.bus.reader.tasks(job=job.id, state=state)
        ]
        if job.line.overlap is Overlap.REPLACE:
            for task in older:
                await self.bus.cancel(task.id, actor=CRON, note="replaced by a later slot")
            return True
        return not older

    async def record(
        self, job: Job, slot: datetime, now: datetime, status: SlotStatus, note: str | None
    ) -> None:
        fires = status is SlotStatus.FIRED
        row, task = await self.bus.record_slot(
            job.id,
            slot,
            status,
            lateness=max(now - slot, timedelta(0)),
            request=request_of(job) if fires else None,
            note=note,
        )
        log.info(
            f"slot {row.status}",
            job=job.id,
            slot=slot.astimezone(job.zone).isoformat(timespec="minutes"),
            **({"task": task.id} if task else {"reason": note}),
        )

    def look_ahead(self, job: Job, after: datetime) -> None:
        following = next(job.slots(after), None)
        if following is None:
            self.due.pop(job.id, None)
        else:
            self.due[job.id] = following

    def next_fires(self, limit: int) -> list[tuple[datetime, str]]:
        """The next slots of the schedule and their jobs, soonest first."""
        now = self.clock.now()
        upcoming = (
            (next(job.slots(now), None), job.id)
            for job in self.crontab.jobs.values()
            if job.enabled
        )
        return nsmallest(limit, ((slot, name) for slot, name in upcoming if slot is not None))


def due_slots(job: Job, after: datetime, now: datetime) -> Iterator[tuple[datetime, bool]]:
    """The slots later than `after` up to `now`, each with whether it is the newest of them."""
    slots = job.slots(after)
    slot = next(slots, None)
    while slot is not None and slot <= now:
        following = next(slots, None)
        yield slot, following is None or following > now
        slot = following
