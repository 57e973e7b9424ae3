"""Ten thousand jobs due in one second: `python benchmarks/due.py [--jobs N] [--json]`.

The real scheduler and the real bus on a disk, on a clock that is set to the second at which
every job falls due; then the start of a home with sixty jobs that was switched off for a month.
Beside them a task counts how long the event loop keeps it waiting; the
same count with nothing to do shows what the machine itself does to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from harness.bus.port import SlotStatus, State
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.cronfile import JobLine
from harness.config.crontab import Crontab
from harness.config.home import Home
from harness.config.job import Job
from harness.cronline import Cronline
from harness.ids import Ids
from harness.services.scheduler import Scheduler

JOBS = 10_000
AGENTS = 6
ZONE = ZoneInfo("America/Los_Angeles")
PROBE_SECONDS = 0.001
DAILY = "0 6 * * *"
HOURLY_JOBS = 60
MONTH = timedelta(days=30)


class Probe:
    """How long the event loop let a task wait that wanted to go on at once."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(PROBE_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - before - PROBE_SECONDS)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=JOBS)
    arguments.add_argument("--month-jobs", type=int, default=HOURLY_JOBS)
    arguments.add_argument("--json", action="store_true")
    wish = arguments.parse_args()
    # a line for each slot is the log's cost and no part of the question
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = asyncio.run(measure(wish.jobs)) | asyncio.run(come_back(wish.month_jobs))
    if wish.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<22} {value:10,.1f}")


async def measure(number: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        home, clock = Home(Path(folder)), FakeClock()
        async with SqliteBus.open(home, clock, Ids(clock)) as bus:
            scheduler = Scheduler(bus, schedule(number, DAILY), clock)
            async with serving(scheduler):
                idle = await quiet()
                due = min(scheduler.due.values())
                clock.shift(due - clock.now())
                fired = await fire(scheduler)
            return {"jobs": number, **stored(bus, number), **fired, "idle_block_ms": idle}


@asynccontextmanager
async def serving(scheduler: Scheduler) -> AsyncIterator[None]:
    """The scheduler as the daemon runs it; the clock stands, so that only we ring."""
    stop = asyncio.Event()
    running = asyncio.create_task(scheduler.run(stop))
    while len(scheduler.due) < len(scheduler.crontab.jobs):
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        stop.set()
        await running


async def quiet() -> float:
    probe = Probe()
    watching = asyncio.create_task(probe.run())
    await asyncio.sleep(1.0)
    watching.cancel()
    return probe.longest * 1000


async def fire(scheduler: Scheduler) -> dict[str, float]:
    seconds, block = await timed(scheduler)
    return {"all_requested_s": seconds, "longest_block_ms": block}


async def timed(scheduler: Scheduler) -> tuple[float, float]:
    """One tick: its seconds, and the milliseconds of the longest wait beside it."""
    probe = Probe()
    watching = asyncio.create_task(probe.run())
    begun = time.perf_counter()
    await scheduler.tick()
    seconds = time.perf_counter() - begun
    await asyncio.sleep(PROBE_SECONDS)  # a last wait counts too
    watching.cancel()
    return seconds, probe.longest * 1000


async def come_back(number: int) -> dict[str, float]:
    """A month of hours of each job, all to be written at the start."""
    crontab = schedule(number, "0 * * * *")
    with tempfile.TemporaryDirectory() as folder:
        home, clock = Home(Path(folder)), FakeClock()
        async with SqliteBus.open(home, clock, Ids(clock)) as bus:
            await Scheduler(bus, crontab, clock).apply(crontab)
            clock.shift(MONTH)
            scheduler = Scheduler(bus, crontab, clock)
            await scheduler.apply(crontab)
            seconds, block = await timed(scheduler)
            rows = len(bus.reader.slots(limit=100_000))
    return {"month_slots": rows, "month_s": seconds, "month_block_ms": block}


def stored(bus: SqliteBus, number: int) -> dict[str, float]:
    slots = bus.reader.slots(limit=2 * number)
    counts = bus.reader.counts().values()
    return {
        "slots_stored": len({(slot.job, slot.slot) for slot in slots}),
        "fired": sum(slot.status is SlotStatus.FIRED for slot in slots),
        "requests": sum(count[State.REQUEST] for count in counts),
    }


def schedule(number: int, when: str) -> Crontab:
    jobs = (job(f"job-{count}", f"agent-{count % AGENTS}", when) for count in range(number))
    return Crontab(ZONE, {job.id: job for job in jobs})


def job(name: str, agent: str, when: str) -> Job:
    line = JobLine(agent=agent, prompt="Morning digest.", cron=when)
    return Job(name, line, ZONE, Cronline.parse(when))


if __name__ == "__main__":
    main()
