"""The line before an endpoint: a slot goes from hand to hand, and never gets lost."""

from __future__ import annotations

import asyncio

import pytest

from harness.clock import FakeClock
from harness.models.openai.slots import Slots
from harness.models.port import HOUSE


async def hold(slots: Slots, until: asyncio.Event) -> None:
    async with slots.slot(HOUSE):
        await until.wait()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_who_is_cancelled_as_the_slot_comes_hands_it_on(
    cancelled_first: bool, turns: int
) -> None:
    slots, enough = Slots(1, FakeClock()), asyncio.Event()
    first, second, third = (asyncio.create_task(hold(slots, enough)) for _ in range(3))
    await asyncio.sleep(0)
    for each in (second, first) if cancelled_first else (first, second):
        each.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)

    enough.set()
    ends = await asyncio.gather(first, second, third, return_exceptions=True)

    assert [type(end) for end in ends] == [
        asyncio.CancelledError,
        asyncio.CancelledError,
        type(None),
    ]
    assert slots.free == 1
