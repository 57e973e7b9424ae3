"""The scheduler: turns each due slot of cron.yaml into one row, and mostly into one request.

APScheduler is the alarm clock. What is due is decided from our own slot rows, so that no
restart, reload, clock step or second ring can fire a slot twice or leave it as nothing.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from itertools import groupby

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from harness.bus.port import Due, JobState, Slot
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.config.crontab import Crontab
from harness.config.job import Job
from harness.services.absence import Backlog
from harness.services.trigger import SoonestSlot
from harness.services.upstream import dues_of, rounds_of
from harness.services.waiting import unless

log = structlog.get_logger("scheduler")

# the alarm may sleep through a suspend, a clock step, or an error of its own
WATCHDOG_SECONDS = 5.0
RETRY = timedelta(seconds=30)  # of a job whose slots could not be written
JOBS_AT_ONCE = 25  # whose slots are worked out before the event loop gets its turn
SLOTS_AT_ONCE = 1000  # of all of them together
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
        self.armed: datetime | None = None  # the slot for which the alarm is set
        self.deciding = asyncio.Lock()
        self.ticked = clock.monotonic()  # when the last look at what is due was over

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        self.alarm = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1000},
        )
        self.alarm.start()
        try:
            await self.apply(self.crontab)
            # what was read at the start stays: with thousands of jobs a full collection that
            # walked through all of it would hold up the event loop for a tenth of a second
            gc.freeze()
            while not stop.is_set():
                await self.tick()
                await unless(stop, self.clock.sleep(WATCHDOG_SECONDS))
        finally:
            self.alarm.shutdown(wait=False)
            self.alarm = self.armed = None

    async def apply(self, crontab: Crontab) -> None:
        """Go over to another schedule: jobs are known by their ids, the file is the truth.

        A new job, one whose times have changed, and one that comes back starts now: no
        earlier slot is due. When the bus cannot be written, the schedule before goes on.
        """
        async with self.deciding:
            due: dict[str, datetime] = {}
            for some in portions(list(crontab.jobs.values()), JOBS_AT_ONCE):
                since = await asyncio.gather(*(self.remember(job) for job in some))
                due |= first_slots(some, since)
                await asyncio.sleep(0)
            await self.forget_others(crontab)
            # whatever may fail is done: until here the schedule before stays whole
            self.crontab, self.heard, self.due = crontab, None, due
        self.set_alarm()

    async def forget_others(self, crontab: Crontab) -> None:
        """Take their schedule from the jobs that the file no longer has."""
        gone = [
            replace(state, fingerprint="")
            for name, state in self.bus.reader.jobs().items()
            if name not in crontab.jobs and state.fingerprint
        ]
        await asyncio.gather(*map(self.bus.set_job, gone))

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
        """Have `tick` called when the next slot of any job is due."""
        if self.alarm is None:
            return
        soonest = min(self.due.values(), default=None)
        if soonest is not None and soonest != self.armed:
            ring = SoonestSlot(soonest, self.clock)
            self.alarm.add_job(self.tick, ring, id="tick", replace_existing=True)
        self.armed = soonest

    async def tick(self) -> None:
        """Record every slot that is due by our clock."""
        async with self.deciding:
            while waiting := self.due_jobs():
                for some in portions(waiting, JOBS_AT_ONCE):
                    await self.settle(some)
            await self.join()
        self.ticked = self.clock.monotonic()
        self.set_alarm()

    def due_jobs(self) -> list[Job]:
        now = self.clock.now()
        return [self.crontab.jobs[name] for name, slot in self.due.items() if slot <= now]

    async def settle(self, jobs: list[Job]) -> None:
        """Write what some jobs owe. They go together, so that their rows share a durable
        write; a job that owes much lets the others have their turn."""
        owing = [debt for debt in await asyncio.gather(*map(self.owed, jobs)) if debt is not None]
        while owing:
            limit = min(BATCH, max(SLOTS_AT_ONCE // len(owing), 1))
            paid = await asyncio.gather(*(self.pay(debt, limit) for debt in owing))
            owing = [debt for debt, is_paid in zip(owing, paid, strict=True) if not is_paid]

    async def owed(self, job: Job) -> Backlog | None:
        try:
            return Backlog(job, await self.remember(job), self.clock.now())
        except Exception:  # the boundary: what one job trips over must not hold the others
            self.put_off(job)
            return None

    async def pay(self, debt: Backlog, limit: int) -> bool:
        """Write the next slots that a job owes; True when there is no more to do now."""
        try:
            await self.write(debt.job, debt.take(limit))
        except Exception:  # the boundary, as in `owed`
            self.put_off(debt.job)
            return True
        if debt.following is None:
            self.due.pop(debt.job.id, None)
        else:
            self.due[debt.job.id] = debt.following
        return debt.is_paid

    def put_off(self, job: Job) -> None:
        log.exception("slots are left for later", job=job.id)
        self.due[job.id] = self.clock.now() + RETRY

    async def write(self, job: Job, dues: Sequence[Due]) -> None:
        """Write how slots end, in one step, and tell it: what was let go in one line."""
        if not dues:
            return
        written = await self.bus.settle(job.id, dues, job.line.overlap)
        for slot, task in written:
            if task is not None:
                log.info("slot fired", job=job.id, slot=wall(job, slot), task=task.id)
        idle = [slot for slot, task in written if task is None]
        for (status, note), slots in groupby(idle, key=lambda slot: (slot.status, slot.note)):
            first, *rest = slots
            many = {"until": wall(job, rest[-1]), "slots": len(rest) + 1} if rest else {}
            log.info(f"slot {status}", job=job.id, slot=wall(job, first), reason=note, **many)

    async def join(self) -> None:
        """Fire the jobs whose `after` is fulfilled, if anything happened since the last look."""
        seq = self.bus.reader.last_seq()
        if seq == self.heard:
            return
        self.heard = seq
        for job in self.crontab.jobs.values():
            if job.enabled and job.line.after is not None:
                await self.settle_join(job)

    async def settle_join(self, job: Job) -> None:
        try:
            since = await self.remember(job)
            await self.write(
                job, dues_of(job, rounds_of(job, self.bus.reader, since), self.clock.now())
            )
        except Exception:  # the boundary, as in `owed`
            log.exception("a job that waits for others is left for later", job=job.id)
            self.heard = None

    def next_fires(self, limit: int) -> list[tuple[datetime, str]]:
        """The next slots of the schedule and their jobs, soonest first."""
        now = self.clock.now()
        upcoming = (
            (next(job.slots(now), None), job.id)
            for job in self.crontab.jobs.values()
            if job.enabled
        )
        return nsmallest(limit, ((slot, name) for slot, name in upcoming if slot is not None))


def first_slots(jobs: list[Job], since: Sequence[datetime]) -> dict[str, datetime]:
    """The next slot of each job that has one, later than the moment from which it counts."""
    pairs = zip(jobs, since, strict=True)
    slots = {job.id: next(job.slots(begin), None) for job, begin in pairs if job.enabled}
    return {name: slot for name, slot in slots.items() if slot is not None}


def portions(jobs: list[Job], size: int) -> Iterator[list[Job]]:
    return (jobs[start : start + size] for start in range(0, len(jobs), size))


def wall(job: Job, slot: Slot) -> str:
    return slot.slot.astimezone(job.zone).isoformat(timespec="minutes")
