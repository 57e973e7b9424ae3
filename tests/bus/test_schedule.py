"""Slots and the state of jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.bus.port import JobState, Request, SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock

SLOT = datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
MORNING = Request("ainews", "Morning digest.", sender="cron", deliver=("archive",))


async def test_a_slot_fires_with_its_request(bus: SqliteBus, clock: FakeClock) -> None:
    late = timedelta(seconds=3)

    slot, task = await bus.record_slot(
        "morning", SLOT, SlotStatus.FIRED, lateness=late, request=MORNING
    )

    assert task is not None
    assert (task.key, task.job) == ("cron:morning:2026-01-01T07:30:00.000+00:00", "morning")
    assert (slot.task, slot.lateness, slot.fired_at) == (task.id, late, clock.now())
    assert await bus.last_slot("morning") == slot


async def test_a_slot_fires_once(bus: SqliteBus, clock: FakeClock) -> None:
    first = await bus.record_slot("morning", SLOT, SlotStatus.FIRED, request=MORNING)
    await clock.advance(5)

    second = await bus.record_slot("morning", SLOT, SlotStatus.MISSED, note="too late")

    assert second == first
    assert len(bus.reader.tasks(job="morning")) == 1


async def test_a_slot_that_does_not_fire_is_written_too(bus: SqliteBus) -> None:
    slot, task = await bus.record_slot("morning", SLOT, SlotStatus.SKIPPED, note="paused")

    assert task is None
    assert bus.reader.slots("morning") == [slot]
    assert (slot.status, slot.note) == (SlotStatus.SKIPPED, "paused")


async def test_history_is_newest_first_and_by_job(bus: SqliteBus) -> None:
    for hours in (0, 2, 1):
        await bus.record_slot("a", SLOT + timedelta(hours=hours), SlotStatus.MISSED)
    await bus.record_slot("b", SLOT, SlotStatus.MISSED)

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
