"""Calls that must not be made twice, through the toolbox and a real bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.bus.port import Outcome, Request, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from harness.models.port import ToolCall
from harness.tools.context import ToolContext
from harness.tools.once import key_of
from harness.tools.tool import ToolError, ToolResult, tool
from harness.tools.toolbox import Toolbox
from tests.tools.using import a_gate

BEGUN: list[str] = []
SENT: list[str] = []
ROOM = asyncio.Semaphore(1)


def never(arguments: Mapping[str, Any]) -> bool:
    return False


@tool(idempotent=never)
async def send(ctx: ToolContext, text: str) -> str:
    """Send it."""
    if text == "refuse":
        raise ToolError("nothing was sent")
    BEGUN.append(text)
    async with ROOM:
        SENT.append(text)
    return f"sent {text}"


@pytest.fixture(autouse=True)
def outbox() -> None:
    BEGUN.clear()
    SENT.clear()


@pytest.fixture
async def real_bus(home: Home, clock: FakeClock) -> AsyncIterator[SqliteBus]:
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        await bus.request(Request("ainews", "Digest."))
        yield bus


async def attempt(bus: SqliteBus) -> Task:
    task = await bus.claim("ainews", cap=1, owner="s")
    assert task is not None
    return task


async def call(ctx: ToolContext, bus: SqliteBus, task: Task, **arguments: str) -> ToolResult:
    ctx = replace(ctx, bus=bus, task=task)
    box = Toolbox([send], ctx, a_gate(ctx))
    return await box.call(ToolCall("c1", "send", arguments))


async def test_a_second_attempt_gets_what_the_first_one_got(
    ctx: ToolContext, real_bus: SqliteBus, clock: FakeClock
) -> None:
    first = await attempt(real_bus)
    await call(ctx, real_bus, first, text="hello")
    await real_bus.fail(first, "server away")
    await clock.advance(30)

    again = await call(ctx, real_bus, await attempt(real_bus), text="hello")

    assert SENT == ["hello"]
    assert (again.ok, again.text) == (
        True,
        "sent hello\n[done already, in attempt 1; not done again]",
    )


async def test_what_a_tool_refused_may_be_tried_again(
    ctx: ToolContext, real_bus: SqliteBus
) -> None:
    task = await attempt(real_bus)

    for arguments in ({"text": "refuse"}, {"txet": "hello"}):
        assert not (await call(ctx, real_bus, task, **arguments)).ok
        assert not (await call(ctx, real_bus, task, **arguments)).text.startswith("the same call")


async def test_a_session_that_is_called_off_waits_for_the_call_under_way(
    ctx: ToolContext, real_bus: SqliteBus
) -> None:
    task = await attempt(real_bus)
    async with ROOM:
        under_way = asyncio.create_task(call(ctx, real_bus, task, text="hello"))
        while not BEGUN:
            await asyncio.sleep(0.001)
        under_way.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await under_way

    assert SENT == ["hello"]
    back = await real_bus.release(task, "the daemon stopped")
    assert back.state is State.REQUEST


async def test_a_call_cut_off_in_the_middle_is_never_repeated_by_a_machine(
    ctx: ToolContext, real_bus: SqliteBus
) -> None:
    task = await attempt(real_bus)
    await real_bus.begin_effect(task, key_of("send", {"text": "hello"}), "send")

    result = await call(ctx, real_bus, task, text="hello")

    assert not result.ok
    assert "nobody knows whether it was done" in result.text
    assert SENT == []
    ended = await real_bus.fail(task, "server away")
    assert (ended.state, ended.outcome) == (State.DEAD, Outcome.UNKNOWN)
