"""The scheduler through weeks, restarts and changed clocks: one row for every slot."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bus.port import SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock, SystemClock
from harness.config.home import Home
from harness.ids import Ids
from harness.services.scheduler import Scheduler
from tests.services.schedules import (
    DAY,
    HOUR,
    job,
    pass_time,
    planned,
    recorded,
    schedule,
    started,
    statuses,
)


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

    for each in crontab.jobs.values():
        assert recorded(bus, each.id) == planned(each, begin, clock.now())
    assert {slot.status for slot in bus.reader.slots(limit=5000)} == {SlotStatus.FIRED}


Move = tuple[str, int]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["pass", "sleep", "step", "restart", "reload", "pause", "resume", "tick"]),
        st.integers(-200, 400),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(moves=MOVES, misfire=st.sampled_from(["skip", "once", "all"]))
async def test_no_slot_is_ever_twice_or_nowhere(
    tmp_path_factory: pytest.TempPathFactory, moves: list[Move], misfire: str
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    clock = FakeClock(datetime(2026, 3, 28, 22, 7, tzinfo=UTC))  # three hours before a gap
    lines = [
        job("starred", "cron: '*/20 * * * *'", misfire=misfire, timezone="Europe/Berlin"),
        job("fixed", "cron: '0,30 1-4 * * *'", misfire=misfire, timezone="Europe/Berlin"),
        job("period", "every: 37m", misfire=misfire, jitter="3m"),
    ]
    crontab, begin = schedule(home, *lines), clock.now()
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        scheduler = await started(bus, crontab, clock)
        latest = begin
        for move, minutes in moves:
            match move:
                case "pass":
                    await pass_time(scheduler, clock, timedelta(minutes=abs(minutes) // 4))
                case "sleep":
                    await clock.advance(abs(minutes) * 60)
                case "step":
                    clock.shift(timedelta(minutes=minutes))
                case "restart":
                    scheduler = await started(bus, crontab, clock)
                case "reload":
                    await scheduler.apply(schedule(home, *reversed(lines)))
                case "pause":
                    await bus.pause("starred")
                case "resume":
                    await bus.resume("starred")
                case "tick":
                    await scheduler.tick()
                    latest = max(latest, clock.now())
        await scheduler.tick()
        latest = max(latest, clock.now())

        for each in crontab.jobs.values():
            rows = recorded(bus, each.id)
            assert rows == planned(each, begin, max([latest, *rows]))
            keys = [task.key for task in bus.reader.tasks(job=each.id, limit=10_000)]
            assert len(keys) == len(set(keys))


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


class Asleep(SystemClock):
    """The machine's time, with a watchdog that never wakes: only the alarm is left."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


class Awake(SystemClock):
    """The machine's time, with a watchdog that hardly sleeps."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.02)


async def first_slot(scheduler: Scheduler) -> SlotStatus:
    stop = asyncio.Event()
    running = asyncio.create_task(scheduler.run(stop))
    async with asyncio.timeout(10):
        while not scheduler.bus.reader.slots("a"):
            await scheduler.bus.wait(1.0)
    stop.set()
    await running
    return scheduler.bus.reader.slots("a")[-1].status


async def test_the_alarm_alone_fires_a_slot(home: Home) -> None:
    clock = Asleep()
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        status = await first_slot(Scheduler(bus, schedule(home, job("a", "every: 1s")), clock))

    assert status is SlotStatus.FIRED


async def test_the_watchdog_alone_fires_a_slot(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scheduler, "set_alarm", lambda scheduler: None)
    clock = Awake()
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        status = await first_slot(Scheduler(bus, schedule(home, job("a", "every: 1s")), clock))

    assert status is SlotStatus.FIRED
