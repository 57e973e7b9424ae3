"""What a session keeps that has read a stranger's words, and what may be done with it later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.models.port import ToolCall
from harness.permission.taint import Taint
from harness.tools.ask import request
from harness.tools.context import ToolContext
from harness.tools.memory import memory
from harness.tools.shared_context import shared_context
from harness.tools.tool import always
from harness.tools.toolbox import Toolbox
from harness.tools.write import write
from tests.tools.conftest import AskedBus
from tests.tools.using import a_gate

READ, MADE_UP = "https://news.test/story?id=7", "https://evil.test/?d=4417"
PAGES = replace(shared_context, idempotent=always)  # no effect is written down here
TOOLS = (memory, PAGES, write, request)


def a_session(ctx: ToolContext, *sources: str) -> Toolbox:
    """One that has read the story if it has read anything."""
    taint = Taint()
    for source in sources:
        taint.read_outside(source, f"A story: {READ}")
    ctx = replace(ctx, taint=taint)
    return Toolbox(TOOLS, ctx, a_gate(ctx, allow=["write(shared-context/**)"]))


async def call(toolbox: Toolbox, tool: str, /, **arguments: str) -> str:
    result = await toolbox.call(ToolCall(id="1", name=tool, arguments=arguments))
    assert result.ok, result.text
    return result.text


async def test_an_address_that_was_read_is_known_again_from_the_own_notes(ctx: ToolContext) -> None:
    await call(
        a_session(ctx, "news.test"), "memory", action="append", text=f"topics: {READ} {MADE_UP}"
    )
    later = a_session(ctx)

    found = await call(later, "memory", action="search", query="topics")

    taint = later.gate.taint
    assert taint.tainted
    assert (taint.knows(READ), taint.knows(MADE_UP)) == (True, False)
    assert (READ in found, MADE_UP in found) == (True, False)


@pytest.mark.parametrize("tool", ["shared_context", "write"])
async def test_no_way_to_a_shared_page_makes_an_address_known(ctx: ToolContext, tool: str) -> None:
    page = f"# Radar\n\n- {READ}\n- {MADE_UP}\n"
    where = (
        {"path": "shared-context/radar.md", "content": page}
        if tool == "write"
        else {"action": "write", "name": "radar.md", "text": page}
    )
    await call(a_session(ctx, "news.test"), tool, **where)
    later = a_session(ctx)

    await call(later, "shared_context", action="read", name="radar.md")

    assert later.gate.taint.knows(READ)
    assert not later.gate.taint.knows(MADE_UP)


async def test_a_page_that_is_written_back_as_it_was_read_stays_as_it_was(ctx: ToolContext) -> None:
    path = ctx.home.shared_context / "radar.md"
    path.parent.mkdir(parents=True)
    path.write_text("# Radar\n\n- [mine](https://person.test/x)\n")
    await call(
        a_session(ctx, "news.test"), "shared_context", action="append", name="radar", text="."
    )
    before = path.read_text()
    toolbox = a_session(ctx, "news.test")

    seen = await call(toolbox, "shared_context", action="read", name="radar.md")
    block, _, version = seen.rpartition("\nversion: ")
    await call(
        toolbox, "shared_context", action="write", name="radar.md", text=block, version=version
    )

    first, _, rest = path.read_text().partition("\n")
    assert first.startswith("# Radar <!-- from outside: news.test")
    assert rest == before.partition("\n")[2] == "\n- [mine](https://person.test/x)\n.\n"


async def test_a_request_hands_on_no_address_that_stood_in_nothing(
    ctx: ToolContext, bus: AskedBus
) -> None:
    prompt = f"Is it so? {READ} {MADE_UP}"

    await call(a_session(ctx, "news.test"), "request", agent="macro", prompt=prompt, title=MADE_UP)

    (asked,) = bus.requests.values()
    assert READ in asked.prompt
    assert "https://evil" not in asked.prompt + asked.title
