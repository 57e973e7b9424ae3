"""Sessions: who answers a task, from the crew's files as they are now."""

from __future__ import annotations

import asyncio

import pytest

from harness.bus.port import Request, State
from harness.errors import NotFound
from tests.flows.conftest import clock, house
from tests.flows.house import House

__all__ = ["clock", "house"]


async def test_an_agent_that_left_the_files_meanwhile_is_named(house: House) -> None:
    house.agent("scout")
    async with house.daemon() as app:
        task = await app.bus.request(Request("clerk", "Write."))

        with pytest.raises(NotFound, match="no agent `clerk`"):
            await app.sessions(task, asyncio.Event())


async def test_a_typing_error_in_a_model_leaves_the_agent_as_it_was(house: House) -> None:
    house.agent("scout")
    async with house.daemon() as app:
        house.agent("scout", model="ofline")
        await app.reload()
        task = await house.final(app, await app.bus.request(Request("scout", "Look.")))

    assert (task.state, task.attempt) == (State.FINAL, 1)
