"""How long a call waits: what comes in the very moment in which the time ends."""

from __future__ import annotations

import asyncio

import pytest

from harness.models.patience import Patience, Timeouts, extend
from tests.virtual_http import in_virtual_time


async def no() -> bool:
    return False


async def wait_for_ever(deadline: asyncio.Timeout) -> None:
    async with deadline:
        await asyncio.Event().wait()


@in_virtual_time
async def test_a_line_in_the_moment_in_which_the_time_ends_comes_too_late() -> None:
    deadline, stages = asyncio.timeout(10.0), list[str]()
    patience = Patience(deadline, Timeouts(), is_loaded=no, is_talking=lambda: False)
    waiting = asyncio.create_task(wait_for_ever(deadline))
    await asyncio.sleep(0)

    def line() -> None:
        patience.heard()
        stages.append(patience.stage)

    asyncio.get_running_loop().call_later(10.0, line)
    with pytest.raises(TimeoutError):
        await waiting
    await patience.end()

    assert stages == ["120 s between two lines"]


@in_virtual_time
async def test_a_deadline_is_put_off_as_long_as_it_has_not_come() -> None:
    began, deadline = asyncio.get_running_loop().time(), asyncio.timeout(10.0)
    waiting = asyncio.create_task(wait_for_ever(deadline))
    await asyncio.sleep(9.0)

    extend(deadline, 10.0)
    with pytest.raises(TimeoutError):
        await waiting
    extend(deadline, 10.0)

    assert asyncio.get_running_loop().time() - began == pytest.approx(19.0)
