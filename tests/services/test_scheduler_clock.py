"""Clocks that are set, machines that sleep, and edits at the worst moment: each slot ends as one
row, and none fires twice."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.bus.port import Slot, SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crontab import Crontab
from harness.config.home import Home
from harness.ids import Ids
from harness.services.scheduler import WATCHDOG_SECONDS, Scheduler
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

HOURLY = job("a", "cron: '0 * * * *'")
STEPS = [HOUR, DAY, -HOUR, -DAY]


def fired(bus: SqliteBus, name: str = "a") -> list[str]:
    return [slot for slot, status in statuses(bus, name) if status is SlotStatus.FIRED]


def tasks_per_slot_are_one(bus: SqliteBus) -> bool:
    slots: list[Slot] = [slot for slot in bus.reader.slots(limit=1000) if slot.task]
    tasks = bus.reader.tasks(limit=1000)
    return sorted(slot.task or "" for slot in slots) == sorted(task.id for task in tasks)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_clock_that_steps_repeats_and_loses_no_slot(
    home: Home, bus: SqliteBus, clock: FakeClock, step: timedelta
) -> None:
    crontab = schedule(home, HOURLY)
    begin = clock.now()
    scheduler = await started(bus, crontab, clock)
    await pass_time(scheduler, clock, 3 * HOUR)

    clock.shift(step)
    await scheduler.tick()
    await pass_time(scheduler, clock, 2 * HOUR)
    latest = max(clock.now(), begin + 3 * HOUR)

    assert recorded(bus, "a") == planned(crontab.jobs["a"], begin, latest)
    assert tasks_per_slot_are_one(bus)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_clock_that_steps_and_is_put_right_again_is_as_if_nothing_was(
    home: Home, bus: SqliteBus, clock: FakeClock, step: timedelta
) -> None:
    crontab = schedule(home, HOURLY)
    begin = clock.now()
    scheduler = await started(bus, crontab, clock)
    await pass_time(scheduler, clock, 3 * HOUR)

    clock.shift(step)
    await pass_time(scheduler, clock, HOUR / 2)
    clock.shift(-step)
    await pass_time(scheduler, clock, 2 * DAY, HOUR / 2)

    latest = clock.now()
    assert recorded(bus, "a") == planned(crontab.jobs["a"], begin, latest)
    assert tasks_per_slot_are_one(bus)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_step_between_two_daemons_repeats_and_loses_no_slot(
    home: Home, bus: SqliteBus, clock: FakeClock, step: timedelta
) -> None:
    crontab = schedule(home, HOURLY)
    begin = clock.now()
    await pass_time(await started(bus, crontab, clock), clock, 3 * HOUR)

    clock.shift(step)
    await pass_time(await started(bus, crontab, clock), clock, 2 * HOUR)

    assert recorded(bus, "a") == planned(
        crontab.jobs["a"], begin, max(clock.now(), begin + 3 * HOUR)
    )
    assert tasks_per_slot_are_one(bus)


async def test_a_suspended_machine_wakes_to_what_it_owes(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler, stop = Scheduler(bus, schedule(home, HOURLY), clock), asyncio.Event()
    running = asyncio.create_task(scheduler.run(stop))
    while not scheduler.due:
        await asyncio.sleep(0.001)

    clock.shift(timedelta(hours=6, minutes=10))  # the steady clock stood meanwhile
    async with asyncio.timeout(10):
        while len(bus.reader.slots("a")) < 6:
            await clock.advance(WATCHDOG_SECONDS)
            await asyncio.sleep(0.001)
    stop.set()
    await clock.advance(WATCHDOG_SECONDS)
    await running

    ends = [status for _, status in statuses(bus, "a")]
    assert ends == [SlotStatus.MISSED] * 5 + [SlotStatus.FIRED]
    assert scheduler.due["a"] > clock.now()


async def test_an_alarm_is_set_once_for_a_slot_and_anew_for_the_next(
    home: Home, bus: SqliteBus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings: list[tuple[Any, ...]] = []

    class Alarm:
        def add_job(self, *given: Any, **more: Any) -> None:
            rings.append(given)

    crontab = schedule(home, HOURLY, job("b", "cron: '30 * * * *'"))
    scheduler = Scheduler(bus, crontab, clock)
    scheduler.alarm = Alarm()
    await scheduler.apply(crontab)
    for _ in range(3):
        await scheduler.tick()
    assert len(rings) == 1

    await pass_time(scheduler, clock, HOUR)
    assert len(rings) == 3  # at 00:30, at 01:00, and for 01:30


def held_up(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, ...]:
    """From now on a slot is written only once the second event is set; the first says that one
    is about to be."""
    begun, go_on, settle = asyncio.Event(), asyncio.Event(), bus.settle

    async def slowly(*given: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await settle(*given)

    monkeypatch.setattr(bus, "settle", slowly)
    return begun, go_on


EDITS = {
    "the same file": [HOURLY],
    "another prompt": [job("a", "cron: '0 * * * *'", title="New")],
    "another line": [job("a", "cron: '30 * * * *'")],
    "another zone": [job("a", "cron: '0 * * * *'", timezone="Asia/Kolkata")],
    "removed": [],
    "resting": [job("a", "cron: '0 * * * *'", enabled="false")],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_a_reload_in_the_middle_of_a_fire_repeats_and_loses_nothing(
    home: Home,
    bus: SqliteBus,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    edit: list[str],
) -> None:
    scheduler = await started(bus, schedule(home, HOURLY), clock)
    begun, go_on = held_up(bus, monkeypatch)
    await clock.advance(3600)

    ticking = asyncio.create_task(scheduler.tick())
    await begun.wait()
    reloading = asyncio.create_task(scheduler.apply(schedule(home, *edit)))
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.gather(ticking, reloading)
    await scheduler.tick()

    assert statuses(bus, "a") == [("01 01:00", SlotStatus.FIRED)]
    assert len(bus.reader.tasks()) == 1


async def test_a_crash_in_the_middle_of_a_fire_fires_at_the_next_start(
    home: Home, bus: SqliteBus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    crontab = schedule(home, HOURLY)
    scheduler = await started(bus, crontab, clock)
    await clock.advance(3600)
    with monkeypatch.context() as before_the_write:
        begun, _ = held_up(bus, before_the_write)
        ticking = asyncio.create_task(scheduler.tick())
        await begun.wait()
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)

    for _ in range(2):
        await (await started(bus, crontab, clock)).tick()

    assert statuses(bus, "a") == [("01 01:00", SlotStatus.FIRED)]
    assert len(bus.reader.tasks()) == 1


async def test_a_job_removed_and_put_back_within_its_hour_fires_the_slot_once(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    crontab = schedule(home, HOURLY)
    scheduler = await started(bus, crontab, clock)
    await pass_time(scheduler, clock, HOUR)

    for edited in (schedule(home), crontab, schedule(home), crontab):
        await scheduler.apply(edited)
        await scheduler.tick()
    clock.shift(-HOUR / 2)  # and even when the clock shows the same hour again
    await scheduler.apply(schedule(home))
    await scheduler.apply(crontab)
    await pass_time(scheduler, clock, HOUR / 2)

    assert fired(bus) == ["01 01:00"]
    await pass_time(scheduler, clock, HOUR)
    assert fired(bus) == ["01 01:00", "01 02:00"]


async def test_a_job_that_keeps_its_id_with_another_line_owes_only_what_comes(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, HOURLY), clock)
    await pass_time(scheduler, clock, HOUR)
    await clock.advance(10 * 60)

    await scheduler.apply(schedule(home, job("a", "cron: '0,5,20 * * * *'")))
    await pass_time(scheduler, clock, HOUR)

    assert fired(bus) == ["01 01:00", "01 01:20", "01 02:00", "01 02:05"]


async def test_a_slot_that_two_lines_share_fires_once(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, HOURLY), clock)
    await pass_time(scheduler, clock, HOUR)

    clock.shift(-timedelta(minutes=10))
    await scheduler.apply(schedule(home, job("a", "cron: '0,55 * * * *'")))
    await pass_time(scheduler, clock, timedelta(minutes=65))

    assert fired(bus) == ["01 01:00", "01 01:55"]
    assert tasks_per_slot_are_one(bus)


async def test_a_job_that_moves_to_another_zone_fires_by_its_clocks_from_then_on(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    def nine(zone: str) -> Crontab:
        return schedule(home, job("a", "cron: '0 9 * * *'", timezone=zone))

    scheduler = await started(bus, nine("Europe/Berlin"), clock)
    await pass_time(scheduler, clock, 10 * HOUR)

    await scheduler.apply(nine("America/New_York"))
    await pass_time(scheduler, clock, DAY, HOUR / 2)
    await scheduler.apply(nine("Asia/Tokyo"))
    await pass_time(scheduler, clock, DAY, HOUR / 2)

    assert fired(bus) == ["01 08:00", "01 14:00", "03 00:00"]
    assert statuses(bus, "a") == [(slot, SlotStatus.FIRED) for slot in fired(bus)]


@pytest.mark.parametrize("evening_before", ["2026-03-28T20:10+00:00", "2026-10-24T20:10+00:00"])
async def test_a_restart_in_every_half_hour_of_a_change_of_clocks_changes_nothing(
    home: Home, evening_before: str
) -> None:
    clock = FakeClock(datetime.fromisoformat(evening_before))
    lines = [
        job("fixed", "cron: '30 2 * * *'", timezone="Europe/Berlin"),
        job("starred", "cron: '*/30 * * * *'", timezone="Europe/Berlin"),
        job("period", "every: 45m", timezone="Europe/Berlin"),
    ]
    crontab = schedule(home, *lines)
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        begin = clock.now()
        for _ in range(24):
            await pass_time(await started(bus, crontab, clock), clock, HOUR / 2)

        for each in crontab.jobs.values():
            assert recorded(bus, each.id) == planned(each, begin, clock.now())
        assert tasks_per_slot_are_one(bus)
