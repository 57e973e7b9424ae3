"""Slots and the state of jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.bus.port import Due, JobState, Request, Slot, SlotStatus, State, Task
from harness.bus.runs import Run, run_of
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.cronfile import Overlap
from harness.errors import NotFound

SLOT = datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
MORNING = Request("ainews", "Morning digest.", sender="cron", deliver=("archive",))


def due(hours: int = 0, *, request: Request | None = MORNING) -> Due:
    status = SlotStatus.MISSED if request is None else SlotStatus.FIRED
    note = None if request else "nobody was there in time"
    return Due(SLOT + timedelta(hours=hours), timedelta(seconds=3), status, request, note)


async def settled(
    bus: SqliteBus, *dues: Due, job: str = "morning", overlap: Overlap = Overlap.QUEUE
) -> list[tuple[Slot, Task | None]]:
    return await bus.settle(job, dues, overlap)


async def test_a_slot_fires_with_its_request(bus: SqliteBus, clock: FakeClock) -> None:
    ((slot, task),) = await settled(bus, due())

    assert task is not None
    assert (task.key, task.job) == ("cron:morning:2026-01-01T07:30:00.000+00:00", "morning")
    assert (slot.task, slot.fired_at) == (task.id, clock.now())
    assert slot.lateness == timedelta(seconds=3)
    assert await bus.last_slot("morning") == slot


@pytest.mark.parametrize("again", [due(), due(request=None)])
async def test_a_slot_fires_once(bus: SqliteBus, clock: FakeClock, again: Due) -> None:
    ((first, _),) = await settled(bus, due())
    await clock.advance(5)

    await settled(bus, again)

    assert bus.reader.slots("morning") == [first]
    assert len(bus.reader.tasks(job="morning")) == 1


async def test_a_slot_that_is_there_already_does_not_replace_its_own_task(bus: SqliteBus) -> None:
    first = await settled(bus, due(), overlap=Overlap.REPLACE)

    assert await settled(bus, due(), overlap=Overlap.REPLACE) == first
    assert [task.state for task in bus.reader.tasks()] == [State.REQUEST]


async def test_a_slot_that_does_not_fire_is_written_too(bus: SqliteBus) -> None:
    ((slot, task),) = await settled(bus, due(request=None))

    assert task is None
    assert bus.reader.slots("morning") == [slot]
    assert (slot.status, slot.note) == (SlotStatus.MISSED, "nobody was there in time")


async def test_a_paused_job_skips_whatever_is_due(bus: SqliteBus) -> None:
    await bus.pause("morning")

    written = await settled(bus, due(0, request=None), due(1))

    assert [(slot.status, slot.note) for slot, _ in written] == [(SlotStatus.SKIPPED, "paused")] * 2
    assert bus.reader.tasks() == []


@pytest.mark.parametrize(
    ("overlap", "statuses", "states"),
    [
        (Overlap.SKIP, ["fired", "missed", "skipped"], [State.REQUEST]),
        (Overlap.QUEUE, ["fired", "missed", "fired"], [State.REQUEST, State.REQUEST]),
        (Overlap.REPLACE, ["fired", "missed", "fired"], [State.REQUEST, State.FINAL]),
    ],
)
async def test_slots_of_one_batch_meet_each_other_too(
    bus: SqliteBus, overlap: Overlap, statuses: list[str], states: list[State]
) -> None:
    written = await settled(bus, due(0), due(1, request=None), due(2), overlap=overlap)

    assert [slot.status.value for slot, _ in written] == statuses
    assert [task.state for task in bus.reader.tasks(job="morning")] == states


async def test_a_batch_is_written_whole_or_not_at_all(bus: SqliteBus) -> None:
    broken = replace(MORNING, parent="no such task")

    with pytest.raises(NotFound):
        await settled(bus, due(0), due(1, request=broken))

    assert bus.reader.slots() == []
    assert bus.reader.tasks() == []


async def test_a_row_may_stand_for_a_run_of_slots(bus: SqliteBus) -> None:
    first = SLOT - timedelta(days=30)
    run = replace(due(request=None), count=2_592_001, first=first)

    await settled(bus, run, due(1, request=None))

    newer, older = bus.reader.slots("morning")
    assert run_of(newer) == Run(1, newer.slot)
    assert run_of(older) == Run(2_592_001, first)
    assert (older.note or "").startswith("nobody was there in time; one row for 2592001 slots")


async def test_a_span_of_a_jobs_history_is_newest_first_and_ends_before_its_end(
    bus: SqliteBus,
) -> None:
    await settled(bus, *(due(hours, request=None) for hours in range(5)))
    hour = timedelta(hours=1)

    found = bus.reader.slots_between("morning", SLOT + hour, SLOT + 4 * hour)

    assert [slot.slot for slot in found] == [SLOT + hours * hour for hours in (3, 2, 1)]


async def test_history_is_newest_first_and_by_job(bus: SqliteBus) -> None:
    for hours in (0, 2, 1):
        await settled(bus, due(hours, request=None), job="a")
    await settled(bus, due(request=None), job="b")

    of_a = bus.reader.slots("a", limit=2)

    assert [slot.slot.hour for slot in of_a] == [9, 8]
    assert len(bus.reader.slots()) == 4
    assert {job: slot.slot.hour for job, slot in bus.reader.last_slots().items()} == {
        "a": 9,
        "b": 7,
    }
    assert await bus.last_slot("c") is None


async def test_a_reload_does_not_wake_a_paused_job(bus: SqliteBus) -> None:
    await bus.set_job(JobState("morning", "30 7 * * *", SLOT, paused=False))
    await bus.pause("morning")

    after = await bus.set_job(JobState("morning", "0 8 * * *", SLOT, paused=False))

    assert after == await bus.job("morning")
    assert (after.fingerprint, after.paused) == ("0 8 * * *", True)
    assert (await bus.resume("morning")).paused is False


async def test_a_job_can_be_paused_before_it_was_ever_scheduled(
    bus: SqliteBus, clock: FakeClock
) -> None:
    await bus.pause("morning")

    assert await bus.job("morning") == JobState("morning", "", clock.now(), paused=True)
    assert list(bus.reader.jobs()) == ["morning"]
    assert await bus.job("other") is None
