"""Jobs that wait for others: the rule on its own, and what the scheduler makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from harness.bus.port import Outcome, Result, SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crontab import read_crontab
from harness.config.home import Home
from harness.services.joins import Leg, Round, finished_round
from harness.services.scheduler import Scheduler

BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def test_a_round_is_over_with_its_last_task_and_due_at_its_newest_slot() -> None:
    legs = [Leg(at(7), over=at(9, 30)), Leg(at(8), over=at(8, 5))]

    assert finished_round(legs, BERLIN) == Round(at(8), over=at(9, 30))


@pytest.mark.parametrize(
    "legs",
    [
        [],
        [Leg(at(7), over=at(8)), None],
        [Leg(at(7), over=at(8)), Leg(at(8), over=None)],
        [Leg(at(7), over=at(8)), Leg(at(8, day=2), over=at(9, day=2))],
        [Leg(at(22), over=at(22, 5)), Leg(at(23), over=at(23, 5))],  # midnight in Berlin is 23:00
    ],
)
def test_there_is_no_round_while_a_leg_is_missing_under_way_or_of_another_day(
    legs: list[Leg | None],
) -> None:
    assert finished_round(legs, BERLIN) is None


LINES = """\
jobs:
  news:    {agent: scout, prompt: Go., cron: '0 7 * * *'}
  markets: {agent: broker, prompt: Go., cron: '0 8 * * *'}
  letter:  {agent: writer, prompt: Write., after: [news, markets]}
  review:  {agent: critic, prompt: Read., after: letter}
"""


@pytest.fixture
async def scheduler(home: Home, bus: SqliteBus, clock: FakeClock) -> Scheduler:
    home.cron_file.write_text(LINES)
    return await restarted(home, bus, clock)


async def restarted(home: Home, bus: SqliteBus, clock: FakeClock) -> Scheduler:
    crontab = read_crontab(home.cron_file)
    scheduler = Scheduler(bus, crontab, clock)
    await scheduler.apply(crontab)
    return scheduler


async def until(moment: datetime, scheduler: Scheduler, clock: FakeClock) -> None:
    await clock.advance((moment - clock.now()).total_seconds())
    await scheduler.tick()


async def finish(bus: SqliteBus, agent: str, outcome: Outcome = Outcome.DONE) -> None:
    task = await bus.claim(agent, cap=1, owner="test")
    assert task is not None
    await bus.final(task, outcome, Result())


def rows(bus: SqliteBus, job: str) -> list[tuple[datetime, SlotStatus]]:
    return [(slot.slot, slot.status) for slot in reversed(bus.reader.slots(job))]


async def test_a_job_fires_after_the_finals_of_all_that_it_waits_for(
    bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    await until(at(8), scheduler, clock)
    await finish(bus, "scout")
    await until(at(8, 10), scheduler, clock)
    assert rows(bus, "letter") == []

    await finish(bus, "broker", Outcome.FAILED)
    await until(at(8, 11), scheduler, clock)
    await until(at(8, 12), scheduler, clock)

    assert rows(bus, "letter") == [(at(8), SlotStatus.FIRED)]
    (slot,) = bus.reader.slots("letter")
    assert slot.lateness == timedelta(minutes=1)  # counted from the last final
    (task,) = bus.reader.tasks(agent="writer")
    assert (task.job, task.prompt) == ("letter", "Write.")


async def test_a_job_may_wait_for_one_that_waits(
    bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    await until(at(8), scheduler, clock)
    await finish(bus, "scout")
    await finish(bus, "broker")
    await scheduler.tick()
    await finish(bus, "writer")
    await scheduler.tick()

    assert rows(bus, "review") == [(at(8), SlotStatus.FIRED)]


async def test_each_day_is_a_round_of_its_own_across_restarts(
    home: Home, bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    for day in (1, 2, 3):
        await until(at(8, day=day), scheduler, clock)
        await finish(bus, "scout")
        await finish(bus, "broker")
        scheduler = await restarted(home, bus, clock)
        await scheduler.tick()
        await finish(bus, "writer")

    assert rows(bus, "letter") == [(at(8, day=day), SlotStatus.FIRED) for day in (1, 2, 3)]


async def test_finals_that_were_there_long_before_the_daemon_are_a_missed_slot(
    home: Home, bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    await until(at(8), scheduler, clock)
    await finish(bus, "scout")
    await finish(bus, "broker")

    await clock.advance(5 * 3600)
    await (await restarted(home, bus, clock)).tick()

    assert rows(bus, "letter") == [(at(8), SlotStatus.MISSED)]


async def test_a_new_job_does_not_fire_for_a_round_that_was_over_before_it(
    home: Home, bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    await until(at(8), scheduler, clock)
    await finish(bus, "scout")
    await finish(bus, "broker")

    await until(at(8, 1), scheduler, clock)
    home.cron_file.write_text(LINES + "  late: {agent: late, prompt: Go., after: news}\n")
    await (await restarted(home, bus, clock)).tick()

    assert rows(bus, "late") == []


async def test_a_paused_job_skips_its_round(
    bus: SqliteBus, clock: FakeClock, scheduler: Scheduler
) -> None:
    await bus.pause("letter")
    await until(at(8), scheduler, clock)
    await finish(bus, "scout")
    await finish(bus, "broker")
    await scheduler.tick()

    assert rows(bus, "letter") == [(at(8), SlotStatus.SKIPPED)]
