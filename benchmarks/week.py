"""A week of the sample schedule in seconds: `python benchmarks/week.py [--json]`.

The real scheduler on a real database, through the week in which Los Angeles goes over to summer
time, with the crew off from Wednesday 05:30 to 09:10. The agents' answers are played: each
takes four minutes. What was planned comes from `cronsim`, which knows nothing of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from cronsim import CronSim

from harness.bus.port import Outcome, Result, SlotStatus, Task
from harness.bus.reader import Reader
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crontab import Crontab, read_crontab
from harness.config.home import Home
from harness.config.job import Job
from harness.ids import Ids
from harness.services.misfire import PUNCTUAL
from harness.services.scheduler import Scheduler

ROOT = Path(__file__).parents[1]
ZONE = ZoneInfo("America/Los_Angeles")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
END = MONDAY + timedelta(days=7)  # by the clock on the wall: an hour short of seven days
OUTAGE = datetime(2026, 3, 4, 5, 30, tzinfo=ZONE), datetime(2026, 3, 4, 9, 10, tzinfo=ZONE)
ANSWER = timedelta(minutes=4)  # what every task takes
STRIDE = timedelta(minutes=5)


@dataclass(frozen=True)
class Row:
    """What was planned for a job, and what became of it."""

    job: str
    schedule: str
    planned: int
    fired: int
    missed: int
    skipped: int
    late: int  # fired more than a minute after their time
    differences: int  # slots that were planned or recorded alone


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    as_json = arguments.parse_args().json
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    begun = time.perf_counter()
    rows = asyncio.run(week())
    figures = {
        "jobs": len(rows),
        "planned": sum(row.planned for row in rows),
        "recorded": sum(row.fired + row.missed + row.skipped for row in rows),
        "differences": sum(row.differences for row in rows),
        "seconds": time.perf_counter() - begun,
    }
    if as_json:
        print(json.dumps(figures | {"rows": [asdict(row) for row in rows]}))
        return
    show(rows, figures)


def show(rows: list[Row], figures: dict[str, float]) -> None:
    print(
        f"{'job':<19}{'schedule':<20}{'planned':>8}{'fired':>7}{'late':>6}{'missed':>8}"
        f"{'skipped':>9}{'differences':>13}"
    )
    for row in rows:
        print(
            f"{row.job:<19}{row.schedule:<20}{row.planned:>8}{row.fired:>7}{row.late:>6}"
            f"{row.missed:>8}{row.skipped:>9}{row.differences:>13}"
        )
    print(
        f"{figures['planned']} planned, {figures['recorded']} recorded,"
        f" {figures['differences']} differences, {figures['seconds']:.1f} s"
    )


async def week() -> list[Row]:
    crontab = read_crontab(ROOT / "cron.yaml")
    clock = FakeClock(MONDAY.astimezone(UTC))
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        off, on = OUTAGE
        await live(home, crontab, clock, until=off)
        await clock.advance((on - off).total_seconds())
        await live(home, crontab, clock, until=END)
        with Reader(home.database) as reader:
            jobs = [job for job in crontab.jobs.values() if job.enabled]
            return [row_of(job, reader) for job in jobs]


async def live(home: Home, crontab: Crontab, clock: FakeClock, until: datetime) -> None:
    """One life of the crew, from its start to `until`."""
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        scheduler, crew = Scheduler(bus, crontab, clock), Crew(bus, clock, crontab)
        await scheduler.apply(crontab)
        while True:
            await scheduler.tick()
            await crew.work()
            now, end = clock.now(), until.astimezone(UTC)
            if now >= end:
                return
            due = min([*scheduler.due.values(), *crew.ends(), now + STRIDE, end])
            await clock.advance((due - now).total_seconds())


class Crew:
    """The dispatcher, played: one task of each agent at a time, each done after a while."""

    def __init__(self, bus: SqliteBus, clock: FakeClock, crontab: Crontab) -> None:
        self.bus, self.clock = bus, clock
        self.agents = sorted({job.agent for job in crontab.jobs.values()})
        self.held: dict[str, tuple[Task, datetime]] = {}

    def ends(self) -> Iterator[datetime]:
        return (end for _, end in self.held.values())

    async def work(self) -> None:
        now = self.clock.now()
        for agent, (task, end) in list(self.held.items()):
            if end <= now:
                await self.bus.final(task, Outcome.DONE, Result("Done."))
                del self.held[agent]
        if not self.bus.reader.waiting_since():
            return
        for agent in self.agents:
            if agent not in self.held:
                await self.take_up(agent)

    async def take_up(self, agent: str) -> None:
        task = await self.bus.claim(agent, cap=1, owner="week", lease=2 * ANSWER)
        if task is not None:
            self.held[agent] = task, self.clock.now() + ANSWER


def row_of(job: Job, reader: Reader) -> Row:
    slots = reader.slots(job.id, limit=100_000)
    ends = Counter(slot.status for slot in slots)
    wanted = set(planned(job))
    return Row(
        job=job.id,
        schedule=job.schedule,
        planned=len(wanted),
        fired=ends[SlotStatus.FIRED],
        missed=ends[SlotStatus.MISSED],
        skipped=ends[SlotStatus.SKIPPED],
        late=sum(slot.status is SlotStatus.FIRED and slot.lateness > PUNCTUAL for slot in slots),
        differences=len(wanted ^ {slot.slot for slot in slots}) + len(slots) - len(set(slots)),
    )


def planned(job: Job) -> Iterator[datetime]:
    """What the file promises for the week: a cron line in the oracle's reading."""
    end = END.astimezone(UTC)
    if job.cron is None:
        return takewhile(lambda slot: slot <= end, job.slots(MONDAY.astimezone(UTC)))
    told = (slot.astimezone(UTC) + job.offset for slot in CronSim(job.cron.text, MONDAY))
    return takewhile(lambda slot: slot <= end, told)


if __name__ == "__main__":
    main()
