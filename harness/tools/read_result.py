"""`read_result`: the rest of a result that was too long for the prompt."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from harness.bus.handed import handed_in
from harness.bus.port import Task
from harness.files import read_plain
from harness.tools.context import ToolContext
from harness.tools.spill import spill_file, whole_lines
from harness.tools.tool import Output, ToolError, tool


@tool()
async def read_result(
    ctx: ToolContext,
    id: Annotated[str, Field(description="The id that the cut result names.")],
    offset: Annotated[int, Field(ge=0, description="The character to begin with.")] = 0,
    length: Annotated[int, Field(ge=200, le=20_000, description="How many characters.")] = 8_000,
) -> Output:
    """Read on in a result that was cut. Says where the next part begins."""
    text = handed_over(ctx.task, id)
    if text is None:
        text = await asyncio.to_thread(read_plain, spill_file(ctx.spill, id))
    if text is None:
        raise ToolError(f"there is no cut result with the id `{id}`")
    if offset >= len(text) > 0:
        raise ToolError(f"the result has {len(text)} characters: offset {offset} is past its end")
    part = whole_lines(text[offset : offset + length])
    end = offset + len(part)
    rest = f"the next part begins at offset {end}" if end < len(text) else "this is the end"
    data = {"offset": offset, "end": end, "of": len(text)}
    remark = f"[{offset} to {end} of {len(text)} characters; {rest}]"
    whose = "an earlier result" if ctx.taint.tainted else ""
    return Output(part, data, source=whose, remark=remark)


def handed_over(task: Task, handed_id: str) -> str | None:
    """The whole answer of a job before this one, under the id that the task message names."""
    texts = {handed.id: handed.text for handed in handed_in(task.payload)}
    return texts.get(handed_id)
