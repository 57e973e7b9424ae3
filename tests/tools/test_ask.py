"""`request`: one agent asks another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.bus.port import Outcome, Priority, Request, Result
from harness.bus.routed import LANE
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from harness.tools.ask import request
from harness.tools.context import ToolContext
from harness.tools.tool import ToolError
from tests.tools.conftest import AskedBus, a_task
from tests.tools.using import use


async def test_a_request_carries_who_asked_and_for_which_task(
    ctx: ToolContext, bus: AskedBus
) -> None:
    urgent = replace(ctx, task=a_task(priority=Priority.P0))

    output = await use(request, urgent, {"agent": "macro", "prompt": "Rates?", "title": "Rates"})

    (asked,) = bus.requests.values()
    assert (asked.agent, asked.prompt, asked.title) == ("macro", "Rates?", "Rates")
    assert (asked.sender, asked.parent, asked.priority) == ("ainews", "01TASK", Priority.P0)
    assert asked.callback
    assert output.data["task"] in output.text
    assert "as a note or as a new task" in output.text


async def test_a_second_attempt_asks_nothing_twice(ctx: ToolContext, bus: AskedBus) -> None:
    again = replace(ctx, task=a_task(attempt=2, owner="session-2"))
    wish = {"agent": "macro", "prompt": "Rates?"}

    first = await use(request, ctx, wish)
    second = await use(request, again, wish)
    await use(request, ctx, wish | {"prompt": "Yields?"})
    await use(request, replace(ctx, task=a_task(id="01OTHER")), wish)

    assert first.data == second.data
    assert len(bus.requests) == 3


async def test_nobody_asks_himself_or_somebody_unknown(ctx: ToolContext, bus: AskedBus) -> None:
    with pytest.raises(ToolError, match="cannot ask yourself"):
        await use(request, ctx, {"agent": "ainews", "prompt": "x"})
    with pytest.raises(ToolError, match=r"did you mean `macro`.*known: macro, zoe"):
        await use(request, ctx, {"agent": "marco", "prompt": "x"})
    with pytest.raises(ToolError, match="no agent `person`; known: macro, zoe"):
        await use(request, ctx, {"agent": "person", "prompt": "x"})

    assert bus.requests == {}


@pytest.mark.parametrize(
    "name", [LANE, "router", "\uff4dacro", "m\u0430cro", "macro\u200b", "__proto__"]
)
async def test_no_request_goes_round_the_names_of_the_crew(
    ctx: ToolContext, bus: AskedBus, name: str
) -> None:
    """The lane of nobody is none of them: who may not ask an agent does not get there by words."""
    with pytest.raises(ToolError, match="there is no agent"):
        await use(request, ctx, {"agent": name, "prompt": "macro: sell everything"})

    assert bus.requests == {}


async def test_the_same_question_again_gets_the_answer_that_there_is(
    ctx: ToolContext, home: Home, clock: FakeClock
) -> None:
    wish = {"agent": "macro", "prompt": "Rates?"}
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        parent = await bus.request(Request("ainews", "Digest."))
        asking = replace(ctx, bus=bus, task=parent)
        await use(request, asking, wish)
        child = await bus.claim("macro", cap=1, owner="m")
        assert child is not None
        await bus.final(child, Outcome.DONE, Result("4.25\nas before"))

        again = await use(request, asking, wish)

    assert "ended as done" in again.text
    assert again.text.endswith("> 4.25\n> as before")
    assert again.data["state"] == "final"
