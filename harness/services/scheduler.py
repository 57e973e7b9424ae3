"""The scheduler: turns each due slot of cron.yaml into one row, and mostly into one request.

APScheduler is the alarm clock. What is due is decided from our own slot rows, so that no
restart, reload, clock step or second ring can fire a slot twice or leave it as nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from itertools import islice

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from harness.bus.port import IllegalTransition, JobState, SlotStatus, State
from harness.bus.reader import Reader
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.config.cronfile import Overlap
from harness.config.crontab import Crontab
from harness.config.job import Job
from harness.errors import NotFound
from harness.services.fires import CRON, request_of
from harness.services.joins import Leg, finished_round
from harness.services.misfire import verdict
from harness.services.trigger import SlotTrigger
from harness.services.waiting import unless

log = structlog.get_logger("scheduler")

# the alarm may sleep through a suspend, a clock step, or an error of its own
WATCHDOG_SECONDS = 5.0
RETRY = timedelta(seconds=30)  # of a job whose slots could not be written
BATCH = 200  # slots of one job before the others get their turn


class Scheduler:
    """Fires the jobs of one schedule. `tick` does all the work; the alarm only calls it."""

    def __init__(self, bus: SqliteBus, crontab: Crontab, clock: Clock) -> None:
        self.bus = bus
        self.crontab = crontab
        self.clock = clock
        self.due: dict[str, datetime] = {}  # the next slot of each enabled job
        self.heard: int | None = None  # the newest event when the joins were last looked at
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

        A new job, one whose times have changed, and one that comes back starts now: no
        earlier slot is due. When the bus cannot be written, the schedule before goes on.
        """
        async with self.deciding:
            since = {job.id: await self.remember(job) for job in crontab.jobs.values()}
            await self.forget_others(crontab)
            enabled = (job for job in crontab.jobs.values() if job.enabled)
            due = {job.id: next(job.slots(since[job.id]), None) for job in enabled}
            # whatever may fail is done: until here the schedule before stays whole
            self.crontab, self.heard = crontab, None
            self.due = {name: slot for name, slot in due.items() if slot is not None}
        self.set_alarm()

    async def forget_others(self, crontab: Crontab) -> None:
        """Take their schedule from the jobs that the file no longer has."""
        for name, state in self.bus.reader.jobs().items():
            if name not in crontab.jobs and state.fingerprint:
                await self.bus.set_job(replace(state, fingerprint=""))

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
        """Record every slot that is due by our clock. Jobs that are due together go together,
        so that their rows share a durable write, and none waits for another."""
        async with self.deciding:
            while due := self.due_jobs():
                await asyncio.gather(*(self.settle(job) for job in due))
            await self.join()

    def due_jobs(self) -> list[Job]:
        now = self.clock.now()
        return [self.crontab.jobs[name] for name, slot in self.due.items() if slot <= now]

    async def settle(self, job: Job) -> None:
        """Decide on the due slots of one job, oldest first, a batch at a time."""
        now = self.clock.now()
        try:
            after = await self.remember(job)
            for slot, newest in islice(due_slots(job, after, now), BATCH):
                await self.decide(job, slot, now - slot, newest=newest)
                after = slot
            self.look_ahead(job, after)
        except Exception:  # the boundary: what one job trips over must not hold the others
            log.exception("slots are left for later", job=job.id)
            self.due[job.id] = now + RETRY

    async def join(self) -> None:
        """Fire the jobs whose `after` is fulfilled, if anything happened since the last look."""
        seq = self.bus.reader.last_seq()
        if seq == self.heard:
            return
        self.heard = seq
        for job in self.crontab.jobs.values():
            if job.enabled and job.line.after is not None:
                await self.settle_join(job, job.line.after)

    async def settle_join(self, job: Job, others: list[str]) -> None:
        try:
            legs = [newest_leg(self.bus.reader, name) for name in others]
            finished = finished_round(legs, job.zone)
            if finished is not None and finished.slot > await self.remember(job):
                late = self.clock.now() - finished.over
                await self.decide(job, finished.slot, late, newest=True)
        except Exception:  # the boundary, as in `settle`
            log.exception("a job that waits for others is left for later", job=job.id)
            self.heard = None

    async def decide(self, job: Job, slot: datetime, late: timedelta, *, newest: bool) -> None:
        """Write how a slot ends, with a request if it fires."""
        misfire, grace = job.line.misfire, job.grace(slot)
        if await self.is_paused(job):
            await self.record(job, slot, late, SlotStatus.SKIPPED, "paused")
        elif verdict(late, newest=newest, misfire=misfire, grace=grace) is SlotStatus.MISSED:
            await self.record(job, slot, late, SlotStatus.MISSED, "nobody was there in time")
        elif await self.is_free(job):
            await self.record(job, slot, late, SlotStatus.FIRED, None)
        else:
            note = "the task before is not over"
            await self.record(job, slot, late, SlotStatus.SKIPPED, note)

    async def is_paused(self, job: Job) -> bool:
        state = await self.bus.job(job.id)
        return state is not None and state.paused

    async def is_free(self, job: Job) -> bool:
        """Whether the job may ask again, with its older tasks treated as `overlap` says."""
        if job.line.overlap is Overlap.QUEUE:
            return True
        older = [
            task
            for state in (State.REQUEST, State.CONFIRMED)
            for task in self.bus.reader.tasks(job=job.id, state=state)
        ]
        if job.line.overlap is Overlap.SKIP:
            return not older
        for task in older:
            with suppress(IllegalTransition):  # it became final under our eyes
                await self.bus.cancel(task.id, actor=CRON, note="replaced by a later slot")
        return True

    async def record(
        self, job: Job, slot: datetime, late: timedelta, status: SlotStatus, note: str | None
    ) -> None:
        row, task = await self.bus.record_slot(
            job.id,
            slot,
            status,
            lateness=max(late, timedelta(0)),
            request=request_of(job) if status is SlotStatus.FIRED else None,
            note=note,
        )
        log.info(
            f"slot {row.status}",
            job=job.id,
            slot=slot.astimezone(job.zone).isoformat(timespec="minutes"),
            **({"task": task.id} if task else {"reason": row.note}),
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


def newest_leg(reader: Reader, job: str) -> Leg | None:
    """The newest slot of a job that fired, and when its task was over."""
    fired = (slot for slot in reader.slots(job) if slot.task is not None)
    slot = next(fired, None)
    if slot is None or slot.task is None:
        return None
    try:
        task = reader.get(slot.task)
    except NotFound:  # a dead task that a person has purged
        return None
    return Leg(slot.slot, task.updated_at if task.state is State.FINAL else None)
