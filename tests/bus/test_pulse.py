"""Waiting within one process: everyone wakes, and no change is slept through."""

from __future__ import annotations

import asyncio

from harness.bus.port import Request
from harness.bus.pulse import Pulse
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock, settle


async def test_every_waiter_wakes(clock: FakeClock) -> None:
    pulse = Pulse(clock)
    waiters = [asyncio.create_task(pulse.wait(60)) for _ in range(5)]
    await settle()

    pulse.beat()

    assert await asyncio.gather(*waiters) == [True] * 5


async def test_a_wait_ends_without_a_change_when_its_time_is_over(clock: FakeClock) -> None:
    waiting = asyncio.create_task(Pulse(clock).wait(60))
    await settle()

    await clock.advance(59)
    assert not waiting.done()
    await clock.advance(1)

    assert await waiting is False


async def test_a_change_between_the_look_and_the_wait_is_not_slept_through(
    clock: FakeClock,
) -> None:
    pulse = Pulse(clock)
    pulse.looks()
    pulse.beat()

    assert await pulse.wait(60) is True
    assert await asyncio.wait_for(asleep(pulse, clock), 5)


async def test_a_change_after_the_first_of_several_looks_counts(clock: FakeClock) -> None:
    pulse = Pulse(clock)
    pulse.looks()
    pulse.beat()
    pulse.looks()

    assert await pulse.wait(60) is True


async def test_a_wait_in_a_helper_task_looks_for_its_caller(clock: FakeClock) -> None:
    pulse = Pulse(clock)
    pulse.looks()
    pulse.beat()

    assert await asyncio.wait_for(pulse.wait(60), 5) is True
    assert await asyncio.wait_for(asleep(pulse, clock), 5)


async def test_one_waiter_does_not_take_the_change_from_another(clock: FakeClock) -> None:
    pulse = Pulse(clock)
    pulse.looks()  # what both inherit

    async def look_and_wait(go: asyncio.Event) -> bool:
        pulse.looks()
        await go.wait()
        return await pulse.wait(60)

    go = asyncio.Event()
    both = [asyncio.create_task(look_and_wait(go)) for _ in range(2)]
    await settle()
    pulse.beat()
    go.set()

    assert await asyncio.gather(*both) == [True, True]


async def test_a_request_wakes_who_found_nothing_to_do(bus: SqliteBus) -> None:
    assert await bus.claim("scout", cap=1, owner="s1") is None

    await asyncio.create_task(bus.request(Request("scout", "Look.")))

    assert await bus.wait(60) is True


async def test_looking_changes_nothing_and_wakes_nobody(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    await bus.wait(60)
    waiting = asyncio.create_task(bus.wait(60))

    await asyncio.create_task(bus.sweep())
    await asyncio.create_task(bus.claim("scribe", cap=1, owner="s1"))
    await clock.advance(60)

    assert await waiting is False


async def asleep(pulse: Pulse, clock: FakeClock) -> bool:
    """Whether a wait really waits, until its time is over."""
    waiting = asyncio.create_task(pulse.wait(60))
    await settle()
    slept = not waiting.done()
    await clock.advance(60)
    return slept and await waiting is False
