"""The box: one result for every call, whatever the tool does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from harness.clock import FakeClock
from harness.config.rules import parse_rule
from harness.models.port import ToolCall
from harness.tools.catalogue import NAMES, all_tools, unfit
from harness.tools.context import ToolContext
from harness.tools.read_result import read_result
from harness.tools.tool import Output, ToolError, ToolResult, tool
from harness.tools.toolbox import Toolbox
from tests.tools.using import a_gate


@tool(max_chars=1000)
async def echo(
    ctx: ToolContext,
    text: Annotated[str, Field(min_length=1)],
    times: Annotated[int, Field(ge=1, le=1000)] = 1,
) -> Output:
    """Say it again."""
    return Output(text * times, {"times": times})


@tool(parallel=False)
async def fail(ctx: ToolContext, how: str) -> str:
    """Fail in some way."""
    match how:
        case "told":
            raise ToolError("the lamp is off", hint="switch it on")
        case "own validation":
            Inner.model_validate({})
        case "own timeout":
            raise TimeoutError("the oven")
        case "wrong type":
            return 5  # type: ignore[return-value]
        case _:
            raise KeyError("how")
    return ""


@tool(timeout=0.05)
async def hang(ctx: ToolContext) -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


class Inner(BaseModel):
    size: int


TOOLS = (echo, fail, hang, read_result)


@pytest.fixture
def box(ctx: ToolContext) -> Toolbox:
    return Toolbox(TOOLS, ctx, a_gate(ctx))


async def call(box: Toolbox, name: str, **arguments: Any) -> ToolResult:
    return await box.call(ToolCall("c1", name, arguments))


async def test_a_call_gives_the_tools_answer(box: Toolbox) -> None:
    result = await call(box, "echo", text="ho", times=2)

    assert result == ToolResult("c1", "echo", "hoho", data={"times": 2}, verdict="ordinary work")


def test_the_box_shows_what_it_holds(box: Toolbox) -> None:
    assert [spec.name for spec in box.specs] == ["echo", "fail", "hang", "read_result"]


async def test_an_unknown_tool_gets_a_suggestion(box: Toolbox) -> None:
    near, far = await call(box, "ecko"), await call(box, "zzzz")

    assert (near.ok, near.text) == (False, "there is no tool `ecko`; did you mean `echo`?")
    assert far.text == "there is no tool `zzzz`; known: echo, fail, hang, read_result"
    assert not box.is_parallel("zzzz")


async def test_wrong_arguments_are_told_field_by_field(box: Toolbox) -> None:
    result = await call(box, "echo", txet="x", times="many" * 50)

    assert not result.ok
    lines = result.text.splitlines()
    assert lines[0] == "text: missing"
    assert lines[1].startswith("times: Input should be a valid integer")
    assert lines[1].endswith("…")
    assert lines[2] == "txet: unknown; did you mean `text`?"
    assert lines[3] == "echo(text, times?)"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("told", "the lamp is off\nhint: switch it on"),
        ("broken", "the tool broke: KeyError: 'how'"),
        ("own timeout", "the tool broke: TimeoutError: the oven"),
    ],
)
async def test_a_failure_is_a_result(box: Toolbox, how: str, text: str) -> None:
    result = await call(box, "fail", how=how)

    assert (result.ok, result.text) == (False, text)


async def test_an_answer_of_the_wrong_type_is_a_result_all_the_same(box: Toolbox) -> None:
    assert (await call(box, "fail", how="wrong type")).text == "5"


async def test_a_tools_own_validation_is_not_blamed_on_the_call(box: Toolbox) -> None:
    result = await call(box, "fail", how="own validation")

    assert result.text.startswith("the tool broke: ValidationError")


async def test_a_tool_that_hangs_is_cut_off(box: Toolbox) -> None:
    result = await call(box, "hang")

    assert (result.ok, result.text) == (False, "hang did not end within 0.05 s")


async def test_cancelling_goes_through(box: Toolbox) -> None:
    task = asyncio.create_task(
        call(Toolbox([replace(hang, timeout=60)], box.context, box.gate), "hang")
    )
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_time_of_a_call_is_told(ctx: ToolContext, clock: FakeClock) -> None:
    @tool()
    async def wait(ctx: ToolContext) -> str:
        """Let five seconds pass."""
        await clock.advance(5)
        return "done"

    assert (await call(Toolbox([wait], ctx, a_gate(ctx)), "wait")).seconds == 5.0


async def test_a_long_result_is_cut_at_a_line_and_kept_whole(
    box: Toolbox, ctx: ToolContext
) -> None:
    whole = "".join(f"line {n}\n" for n in range(300))

    result = await call(box, "echo", text=whole)

    shown, _, note = result.text.rpartition("\n")
    assert len(result.text) <= 1000
    assert whole.startswith(shown + "\n")
    assert shown.splitlines()[-1].startswith("line ")
    assert note == (
        f"[cut: {len(shown) + 1} of {len(whole)} characters are shown; "
        f'read_result(id="c1", offset={len(shown) + 1}) gives more]'
    )
    assert result.file == str(ctx.spill / "c1.txt")
    assert Path(result.file).read_text() == whole


async def test_the_rest_is_read_part_by_part(box: Toolbox) -> None:
    whole = "".join(f"line {n}\n" for n in range(300))
    result = await call(box, "echo", text=whole)
    read = result.text.rpartition("\n")[0] + "\n"

    while True:
        part = await call(box, "read_result", id="c1", offset=len(read), length=700)
        read += part.text.rpartition("\n[")[0]
        if "this is the end" in part.text:
            break

    assert read == whole


async def test_the_box_may_be_smaller_than_the_tool(ctx: ToolContext) -> None:
    result = await call(
        Toolbox(TOOLS, ctx, a_gate(ctx), max_chars=400), "echo", text="x", times=900
    )

    assert len(result.text) <= 400
    assert "of 900 characters" in result.text


async def test_a_full_disk_costs_the_rest_and_not_the_result(ctx: ToolContext) -> None:
    ctx.spill.parent.mkdir(parents=True)
    ctx.spill.write_text("a file where the folder should be")

    result = await call(Toolbox(TOOLS, ctx, a_gate(ctx)), "echo", text="x" * 2000)

    assert result.ok
    assert result.file is None
    assert "could not be kept" in result.text


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "nothing", "", "a\x00b"])
async def test_reading_on_stays_in_the_folder(box: Toolbox, name: str) -> None:
    result = await call(box, "read_result", id=name)

    assert not result.ok
    assert "there is no cut result" in result.text


async def test_reading_past_the_end_is_told(box: Toolbox) -> None:
    await call(box, "echo", text="x" * 1500)

    result = await call(box, "read_result", id="c1", offset=1500)

    assert result.text == "the result has 1500 characters: offset 1500 is past its end"


def test_the_names_are_those_of_the_tools() -> None:
    assert set(all_tools()) == NAMES
    assert all(name == tool.name for name, tool in all_tools().items())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_tool_explains_itself(name: str) -> None:
    spec = all_tools()[name].spec

    assert len(spec.description) > 40
    assert spec.parameters["type"] == "object"
    assert "ctx" not in spec.parameters["properties"]
    assert all("description" in field for field in spec.parameters["properties"].values())
    json.dumps(spec.parameters)


@pytest.mark.parametrize("domain", ["com", "co.uk", "io", "com.au"])
def test_a_rule_for_everybody_is_none(domain: str) -> None:
    rule = parse_rule(f"web_fetch(domain:{domain})")

    assert "every host" in (unfit(rule) or "")
    assert unfit(parse_rule(f"web_fetch(domain:nas.{domain})")) is None
    assert unfit(parse_rule("web_fetch(domain:localhost)")) is None
