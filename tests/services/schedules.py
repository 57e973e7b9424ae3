"""Schedules for tests, and days that pass in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile

from harness.bus.port import Outcome, Result, SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crontab import Crontab, read_crontab
from harness.config.home import Home
from harness.config.job import Job
from harness.services.scheduler import Scheduler

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def schedule(home: Home, *lines: str) -> Crontab:
    text = "".join(f"  {line}\n" for line in lines)
    home.cron_file.write_text(f"jobs:\n{text}" if text else "jobs: {}\n")
    return read_crontab(home.cron_file)


def job(name: str, when: str, **more: str) -> str:
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{name}: {{agent: scout, prompt: Go., {when}{rest}}}"


async def started(bus: SqliteBus, crontab: Crontab, clock: FakeClock) -> Scheduler:
    scheduler = Scheduler(bus, crontab, clock)
    await scheduler.apply(crontab)
    return scheduler


async def pass_time(
    scheduler: Scheduler,
    clock: FakeClock,
    span: timedelta,
    stride: timedelta = timedelta(minutes=1),
) -> None:
    """Let a span go by, a stride at a time, with all tasks of the crew done at once."""
    for _ in range(int(span / stride)):
        await clock.advance(stride.total_seconds())
        await scheduler.tick()
        while task := await scheduler.bus.claim("scout", cap=1, owner="test"):
            await scheduler.bus.final(task, Outcome.DONE, Result())


def statuses(bus: SqliteBus, name: str) -> list[tuple[str, SlotStatus]]:
    slots = bus.reader.slots(name, limit=1000)
    return [(s.slot.strftime("%d %H:%M"), s.status) for s in reversed(slots)]


def planned(job: Job, after: datetime, until: datetime) -> list[datetime]:
    """The slots that the file promises in a span."""
    return list(takewhile(lambda slot: slot <= until, job.slots(after)))


def recorded(bus: SqliteBus, name: str) -> list[datetime]:
    """The slots that have a row, oldest first."""
    return [slot.slot for slot in reversed(bus.reader.slots(name, limit=10_000))]
