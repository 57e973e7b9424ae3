"""What follows an end: stamps, and deliveries."""

from __future__ import annotations

import pytest

from harness.bus.port import (
    DeliveryState,
    IllegalTransition,
    Outcome,
    Request,
    Result,
    Stamp,
    Task,
)
from harness.bus.sqlite import SqliteBus
from harness.errors import NotFound


async def ended(bus: SqliteBus, *deliver: str) -> Task:
    await bus.request(Request("scout", "Look.", deliver=deliver))
    return await bus.final(await taken(bus), Outcome.DONE, Result("Here it is."))


async def taken(bus: SqliteBus) -> Task:
    task = await bus.claim("scout", cap=9, owner="s1")
    assert task is not None
    return task


async def test_only_finals_with_a_channel_are_owed_to_the_courier(bus: SqliteBus) -> None:
    await bus.request(Request("scribe", "Write.", deliver=("phone",)))
    await ended(bus)

    task = await ended(bus, "archive")

    assert await bus.owed(Stamp.DELIVERED) == [task]


async def test_what_is_stamped_is_owed_no_more(bus: SqliteBus) -> None:
    first, second = await ended(bus, "archive"), await ended(bus, "archive")

    await bus.stamp(first.id, Stamp.DELIVERED)
    await bus.stamp(first.id, Stamp.DELIVERED)

    assert await bus.owed(Stamp.DELIVERED, limit=1) == [second]
    assert (await bus.get(first.id)).delivered_at is not None
    assert {task.id for task in await bus.owed(Stamp.LEARNED)} == {first.id, second.id}


async def test_the_dead_are_owed_to_the_reflector_and_not_to_the_courier(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", deliver=("archive",)))
    died = await bus.fail(await taken(bus), "gone", permanent=True)

    assert await bus.owed(Stamp.LEARNED) == [died]
    assert await bus.owed(Stamp.DELIVERED) == []


async def test_a_stamp_that_comes_after_a_resend_does_not_count(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    died = await bus.fail(await taken(bus), "gone", permanent=True)
    await bus.resend(died.id, actor="person")

    await bus.stamp(died.id, Stamp.LEARNED)
    final = await bus.final(await taken(bus), Outcome.DONE, Result("Here it is."))

    assert await bus.owed(Stamp.LEARNED) == [final]


async def test_a_stamp_on_nothing_is_an_error(bus: SqliteBus) -> None:
    with pytest.raises(NotFound):
        await bus.stamp("01NONE", Stamp.DELIVERED)


async def test_attempts_are_counted_before_they_are_made(bus: SqliteBus) -> None:
    task = await ended(bus, "phone")

    first = await bus.begin_delivery(task.id, "phone")
    again = await bus.begin_delivery(task.id, "phone")  # after a crash, say

    assert first is not None
    assert again is not None
    assert (first.attempts, again.attempts) == (1, 2)
    assert again.state is DeliveryState.PENDING


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.FAILED])
async def test_a_settled_delivery_is_not_begun_again(bus: SqliteBus, state: DeliveryState) -> None:
    task = await ended(bus, "phone")
    await bus.begin_delivery(task.id, "phone")

    settled = await bus.finish_delivery(task.id, "phone", state, "that is how it went")

    assert await bus.begin_delivery(task.id, "phone") is None
    assert bus.reader.deliveries(task.id) == [settled]
    with pytest.raises(IllegalTransition):
        await bus.finish_delivery(task.id, "phone", DeliveryState.SENT)


async def test_a_failed_attempt_may_ask_for_another(bus: SqliteBus) -> None:
    task = await ended(bus, "phone")
    await bus.begin_delivery(task.id, "phone")

    pending = await bus.finish_delivery(task.id, "phone", DeliveryState.PENDING, "no network")
    again = await bus.begin_delivery(task.id, "phone")

    assert pending.note == "no network"
    assert again is not None
    assert again.attempts == 2


async def test_channels_are_settled_one_by_one(bus: SqliteBus) -> None:
    task = await ended(bus, "archive", "phone")
    await bus.begin_delivery(task.id, "archive")
    await bus.finish_delivery(task.id, "archive", DeliveryState.SENT, "archive/2026/01/a.md")

    assert await bus.begin_delivery(task.id, "archive") is None
    assert await bus.begin_delivery(task.id, "phone") is not None
