"""`read`: a file of the workspace, line by line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.permission.action import Trait
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool
from harness.tools.workspace import plain, reading, text_of, whose, work


@tool(timeout=30, traits={Trait.READS_PRIVATE}, plan=reading)
async def read(
    ctx: ToolContext,
    path: Annotated[str, Field(description="Relative to the workspace, as in notes/today.md.")],
    offset: Annotated[int, Field(ge=1, description="The line to begin with.")] = 1,
    limit: Annotated[int, Field(ge=1, le=5_000, description="How many lines.")] = 400,
) -> Output:
    """Read a text file of your workspace. Its lines come exactly as they are, so that `edit` can
    be given parts of them. Says when there are more lines, and where to read on."""
    place = plain(path)
    text = await work(text_of, ctx, place)
    lines = text.split("\n")
    count = len(lines) - (not lines[-1])  # a line end at the end begins no line
    if offset > max(count, 1):
        raise ToolError(f"{place} has {count} lines: offset {offset} is past its end")
    part = lines[offset - 1 : min(offset - 1 + limit, count)]
    end = offset - 1 + len(part)
    data = {"path": place, "lines": count, "offset": offset, "end": end}
    remark = told(offset, end, count)
    return Output("\n".join(part), data, source=whose(ctx, place, text), remark=remark)


def told(offset: int, end: int, count: int) -> str:
    """What of the file is shown, unless it is all of it."""
    if not count:
        return "[the file is empty]"
    if (offset, end) == (1, count):
        return ""
    more = f"; offset={end + 1} reads on" if end < count else ""
    return f"[lines {offset} to {end} of {count}{more}]"
