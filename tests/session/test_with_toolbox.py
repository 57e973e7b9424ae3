"""A session with the real toolbox: typed tools, complaints, results kept in files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from harness.clock import FakeClock
from harness.permission.places import Places
from harness.permission.taint import Taint
from harness.session.brief import Brief
from harness.session.loop import Session
from harness.session.steps import ToolFinished
from harness.tools.context import ToolContext
from harness.tools.read_result import read_result
from harness.tools.tool import tool
from harness.tools.toolbox import Toolbox
from tests.session.doubles import Actor, call, says, steps_of
from tests.tools.using import a_gate


@tool()
async def pages(ctx: ToolContext, count: int) -> str:
    """So many pages of text."""
    return "One line of a page.\n" * 50 * count


async def results(folder: Path, model: Actor) -> list[ToolFinished]:
    clock = FakeClock()
    task = SimpleNamespace(payload={})
    facts = SimpleNamespace(clock=clock, spill=folder, task=task, bus=None)
    facts.places, facts.taint = Places("scout"), Taint()
    context = cast(ToolContext, facts)
    brief = Brief("task-1", "scout", "You are Scout.", "Read.")
    session = Session(brief, model, Toolbox([pages, read_result], context, a_gate(context)), clock)
    return [step for step in await steps_of(session) if isinstance(step, ToolFinished)]


async def test_wrong_arguments_are_told_and_the_next_call_does_better(tmp_path: Path) -> None:
    model = Actor(says("", call("pages", cuont=1)), says("", call("pages", count=1)), says("Ok."))

    wrong, right = await results(tmp_path, model)

    assert (wrong.result.ok, right.result.ok) == (False, True)
    assert "count" in model.requests[1].messages[-1].content


async def test_a_result_that_was_cut_can_be_read_on(tmp_path: Path) -> None:
    long = call("pages", count=100)
    more = call("read_result", id=long.id, offset=90_000)
    model = Actor(says("", long), says("", more), says("Ok."), context=8000)

    cut, rest = await results(tmp_path, model)

    assert cut.result.file is not None
    assert f'read_result(id="{long.id}")' in model.requests[1].messages[-1].content
    assert rest.result.ok
