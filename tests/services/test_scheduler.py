"""The scheduler: what a due slot becomes, by the file, the pauses and the tasks before it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bus.port import JobState, Outcome, SlotStatus, State
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import Held
from tests.services.schedules import (
    DAY,
    HOUR,
    job,
    pass_time,
    schedule,
    started,
    statuses,
)


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


@pytest.mark.parametrize(
    ("hours", "overlap", "outcome"),
    [(2.2, "skip", None), (12, "skip", Outcome.EXPIRED), (12, "queue", None)],
)
async def test_a_slot_that_fired_and_was_not_begun_goes_stale(
    home: Home, bus: SqliteBus, clock: FakeClock, hours: float, overlap: str, outcome: str | None
) -> None:
    """A power cut at 07:30:01: at eight its digest is welcome, at seven in the evening not."""
    crontab = schedule(home, job("digest", "cron: '0 1 * * *'", overlap=overlap))
    scheduler = await started(bus, crontab, clock)
    await clock.advance(3600)
    await scheduler.tick()

    await clock.advance(hours * 3600)
    await bus.sweep()

    (task,) = bus.reader.tasks()
    assert task.outcome == outcome


async def test_a_new_job_fires_nothing_that_was_before_it(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    scheduler = await started(bus, schedule(home, job("a", "every: 10m")), clock)

    await scheduler.tick()

    assert bus.reader.slots() == []


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


async def test_a_job_that_comes_back_to_the_file_owes_nothing_for_its_absence(
    home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    line = job("a", "cron: '0 * * * *'", misfire="all", grace="1d")
    scheduler = await started(bus, schedule(home, line), clock)
    await pass_time(scheduler, clock, HOUR)

    await scheduler.apply(schedule(home))
    await pass_time(scheduler, clock, 2 * HOUR)
    await scheduler.apply(schedule(home, line))
    await pass_time(scheduler, clock, HOUR)

    assert [slot for slot, _ in statuses(bus, "a")] == ["01 01:00", "01 04:00"]


async def test_a_schedule_that_cannot_be_written_leaves_the_one_before_in_force(
    home: Home, bus: SqliteBus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = await started(bus, schedule(home, job("a", "every: 1h")), clock)
    edited = schedule(home, job("b", "every: 1h"), job("a", "every: 1h"))

    async def refuse(state: JobState) -> Any:
        raise Held("harness.db is locked by another process")

    with monkeypatch.context() as locked:
        locked.setattr(bus, "set_job", refuse)
        with pytest.raises(Held):
            await scheduler.apply(edited)
    await pass_time(scheduler, clock, HOUR)

    assert statuses(bus, "a") == [("01 01:00", SlotStatus.FIRED)]

    await scheduler.apply(edited)
    await pass_time(scheduler, clock, HOUR)

    assert statuses(bus, "b") == [("01 02:00", SlotStatus.FIRED)]


async def test_what_one_job_trips_over_does_not_hold_the_others(
    home: Home, bus: SqliteBus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [job(name, "cron: '0 1 * * *'") for name in "abc"]
    scheduler = await started(bus, schedule(home, *lines), clock)
    settle = bus.settle

    async def full_disk(name: str, *rest: Any, **more: Any) -> Any:
        if name == "a":
            raise OSError("disk full")
        return await settle(name, *rest, **more)

    monkeypatch.setattr(bus, "settle", full_disk)
    await clock.advance(3600)
    await scheduler.tick()
    assert [statuses(bus, name) != [] for name in "abc"] == [False, True, True]

    monkeypatch.undo()
    await clock.advance(30)
    await scheduler.tick()
    assert statuses(bus, "a") == [("01 01:00", SlotStatus.FIRED)]


async def test_a_long_absence_is_written_in_batches_and_leaves_no_slot_out(
    home: Home, bus: SqliteBus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.services.scheduler.BATCH", 7)
    crontab = schedule(home, job("a", "every: 10m"), job("b", "every: 1h"))
    scheduler = await started(bus, crontab, clock)

    await clock.advance(12 * 3600)
    await scheduler.tick()

    assert len(statuses(bus, "a")) == 72
    assert len(statuses(bus, "b")) == 12


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
