"""The scheduler: every due slot is one row and no slot is two, whatever happens to the daemon."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from harness.bus.port import Outcome, Result, SlotStatus, State
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock, SystemClock
from harness.config.crontab import Crontab, read_crontab
from harness.config.home import Home
from harness.ids import Ids
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


async def pass_time(scheduler: Scheduler, clock: FakeClock, span: timedelta) -> None:
    """Let a span go by, a minute at a time, with all tasks of the crew done at once."""
    for _ in range(int(span / timedelta(minutes=1))):
        await clock.advance(60)
        await scheduler.tick()
        while task := await scheduler.bus.claim("scout", cap=1, owner="test"):
            await scheduler.bus.final(task, Outcome.DONE, Result())


def statuses(bus: SqliteBus, name: str) -> list[tuple[str, SlotStatus]]:
    slots = bus.reader.slots(name, limit=1000)
    return [(s.slot.strftime("%d %H:%M"), s.status) for s in reversed(slots)]


async def test_a_due_slot_is_one_row_and_one_request(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    crontab = schedule(home, job("a", "cron: '0 1 * * *'", deliver="[archive]", priority="P0"))
    scheduler = await started(bus, crontab, clock)

    await clock.advance(3600)
    await scheduler.tick()
    await scheduler.tick()

    (task,) = bus.reader.tasks()
    assert (task.agent, task.job, task.sender) == ("scout", "a", "cron")
    assert task.key == "cron:a:2026-01-01T01:00:00.000+00:00"
    assert (list(task.deliver), task.priority) == (["archive"], "P0")
    (slot,) = bus.reader.slots("a")
    assert (slot.status, slot.task) == (SlotStatus.FIRED, task.id)


async def test_a_new_job_fires_nothing_that_was_before_it(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, job("a", "every: 10m")), clock)

    await scheduler.tick()

    assert bus.reader.slots() == []


async def test_a_simulated_week_fires_what_was_planned_across_restarts_and_reloads(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    lines = [
        job("hourly", "cron: '0 * * * *'"),
        job("workdays", "cron: '30 7 * * 1-5'"),
        job("period", "every: 47m"),
        job("nightly", "cron: '45 23 * * *'", jitter="5m"),
    ]
    crontab = schedule(home, *lines)
    begin, dice = clock.now(), random.Random(3)
    scheduler = await started(bus, crontab, clock)

    while clock.now() < begin + 7 * DAY:
        await pass_time(scheduler, clock, dice.randint(1, 20) * HOUR)
        if dice.random() < 0.5:
            scheduler = await started(bus, crontab, clock)  # a restart on the same database
        else:
            await scheduler.apply(schedule(home, *dice.sample(lines, len(lines))))

    for planned in crontab.jobs.values():
        slots = [slot.slot for slot in reversed(bus.reader.slots(planned.id, limit=1000))]
        now = clock.now()
        assert slots == list(takewhile(lambda slot, now=now: slot <= now, planned.slots(begin)))
    assert {slot.status for slot in bus.reader.slots(limit=5000)} == {SlotStatus.FIRED}


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        ("skip", ["missed"] * 6),
        ("once", ["missed"] * 5 + ["fired"]),
        ("all", ["missed"] * 2 + ["fired"] * 4),
    ],
)
async def test_slots_missed_while_the_machine_was_off_go_by_the_policy(
    home: Home, bus: SqliteBus, clock: FakeClock, misfire: str, expected: list[str]
) -> None:
    line = job("a", "cron: '0 * * * *'", misfire=misfire, grace="4h", overlap="queue")
    crontab = schedule(home, line)
    await started(bus, crontab, clock)

    await clock.advance(6.5 * 3600)
    await (await started(bus, crontab, clock)).tick()

    assert [status.value for _, status in statuses(bus, "a")] == expected


async def test_a_job_whose_times_were_edited_starts_anew(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, job("a", "cron: '0 6 * * *'")), clock)
    await clock.advance(8 * 3600)
    await scheduler.tick()

    await scheduler.apply(schedule(home, job("a", "cron: '0 7 * * *'")))
    await scheduler.tick()
    await pass_time(scheduler, clock, DAY)

    assert [slot for slot, _ in statuses(bus, "a")] == ["01 06:00", "02 07:00"]


async def test_a_job_that_left_the_file_fires_no_more_and_comes_back_anew(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    line = job("a", "cron: '0 * * * *'")
    scheduler = await started(bus, schedule(home, line), clock)
    await pass_time(scheduler, clock, HOUR)

    await scheduler.apply(schedule(home))
    await pass_time(scheduler, clock, 2 * HOUR)

    assert [slot for slot, _ in statuses(bus, "a")] == ["01 01:00"]


async def test_a_paused_job_lets_its_slots_go_and_says_so(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, job("a", "cron: '0 * * * *'")), clock)
    await bus.pause("a")
    await pass_time(scheduler, clock, HOUR)
    await bus.resume("a")
    await pass_time(scheduler, clock, HOUR)

    assert statuses(bus, "a") == [
        ("01 01:00", SlotStatus.SKIPPED),
        ("01 02:00", SlotStatus.FIRED),
    ]


@pytest.mark.parametrize(
    ("overlap", "states", "status"),
    [
        ("skip", [State.REQUEST], SlotStatus.SKIPPED),
        ("queue", [State.REQUEST, State.REQUEST], SlotStatus.FIRED),
        ("replace", [State.REQUEST, State.FINAL], SlotStatus.FIRED),
    ],
)
async def test_a_slot_that_meets_an_unfinished_task_goes_by_the_overlap(
    home: Home,
    bus: SqliteBus,
    clock: FakeClock,
    overlap: str,
    states: list[State],
    status: SlotStatus,
) -> None:
    line = job("a", "cron: '0 * * * *'", overlap=overlap)
    scheduler = await started(bus, schedule(home, line), clock)

    for _ in range(2):
        await clock.advance(3600)
        await scheduler.tick()

    assert [task.state for task in bus.reader.tasks(job="a")] == states
    assert statuses(bus, "a")[-1][1] is status


async def test_a_clock_that_is_set_back_repeats_no_slot_and_one_set_forward_loses_none(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    crontab = schedule(home, job("a", "cron: '0 * * * *'", misfire="all", grace="1d"))
    scheduler = await started(bus, crontab, clock)
    await pass_time(scheduler, clock, 3 * HOUR)

    clock.shift(-2 * HOUR)
    await pass_time(scheduler, clock, HOUR)
    assert len(statuses(bus, "a")) == 3

    clock.shift(4 * HOUR)
    await scheduler.tick()
    slots = [slot for slot, _ in statuses(bus, "a")]
    assert slots == [f"01 {hour:02}:00" for hour in range(1, 7)]


async def test_daylight_saving_fires_a_removed_time_once_and_a_repeated_one_once(
    home: Home, tmp_path: Path
) -> None:
    clock = FakeClock(datetime(2026, 3, 28, 12, tzinfo=UTC))
    crontab = schedule(home, job("a", "cron: '30 2 * * *'", timezone="Europe/Berlin"))
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        scheduler = await started(bus, crontab, clock)
        await pass_time(scheduler, clock, DAY)
        clock.shift(datetime(2026, 10, 24, 12, tzinfo=UTC) - clock.now())
        scheduler = await started(bus, schedule(home), clock)
        await scheduler.apply(crontab)
        await scheduler.tick()
        await pass_time(scheduler, clock, DAY)

        fired = [
            slot.slot.isoformat(timespec="minutes")
            for slot in reversed(bus.reader.slots("a", limit=1000))
            if slot.status is SlotStatus.FIRED
        ]
    assert fired[0] == "2026-03-29T01:00+00:00"  # 02:30 does not exist: 03:00 summer time
    assert fired[-1] == "2026-10-25T00:30+00:00"  # 02:30 comes twice: the first one


async def test_the_alarm_of_the_running_scheduler_fires_on_time(home: Home) -> None:
    clock = SystemClock()
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        crontab = schedule(home, job("a", "every: 1s"))
        stop = asyncio.Event()
        running = asyncio.create_task(Scheduler(bus, crontab, clock).run(stop))

        async with asyncio.timeout(10):
            while not bus.reader.slots("a"):
                await bus.wait(1.0)

        stop.set()
        await running
        assert bus.reader.slots("a")[-1].status is SlotStatus.FIRED


async def test_the_next_fires_are_told_soonest_first(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(
        bus,
        schedule(
            home,
            job("late", "cron: '0 9 * * *'"),
            job("soon", "cron: '0 8 * * *'"),
            job("off", "cron: '0 7 * * *'", enabled="false"),
        ),
        clock,
    )

    assert [name for _, name in scheduler.next_fires(5)] == ["soon", "late"]
