"""A context for tools that touch files and nothing else: no server is started for it."""

from __future__ import annotations

from typing import Any, cast

from harness.bus.port import Bus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.network.web import Web
from harness.permission.action import Action
from harness.permission.places import Places
from harness.permission.taint import Taint
from harness.rooted import Root
from harness.tools.context import ToolContext
from harness.tools.tool import Output, Tool
from tests.tools import using
from tests.tools.conftest import a_task


def a_desk(home: Home) -> ToolContext:
    """The agent `ainews` at work in a home, without a bus and a web."""
    return ToolContext(
        agent="ainews",
        task=a_task(),
        home=home,
        clock=FakeClock(),
        bus=cast(Bus, None),
        web=cast(Web, None),
        agents=frozenset(),
        spill=home.sessions / "01TASK",
        workspace=Root(home.root),
        places=Places("ainews"),
        taint=Taint(),
    )


def lay(home: Home, **files: str) -> None:
    """Put files into a home; `__` in a name stands for `/`, and each is a page."""
    for name, text in files.items():
        path = home.root / f"{name.replace('__', '/')}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


async def use(tool: Tool, ctx: ToolContext, **arguments: Any) -> Output:
    """What a call gives. Raises as the tool does."""
    return await using.use(tool, ctx, arguments)


def planned(tool: Tool, ctx: ToolContext, **arguments: Any) -> Action:
    """What a call would do."""
    return tool.foresee(ctx, tool.validate(arguments))
