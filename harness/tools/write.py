"""`write`: a whole file of the workspace."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from pydantic import Field

from harness.errors import HarnessError
from harness.permission.action import Trait
from harness.tools.context import ToolContext
from harness.tools.tool import Output, tool
from harness.tools.workspace import MAX_BYTES, plain, with_mark, work, writing

LONGEST = 400_000  # characters


@tool(parallel=False, timeout=30, traits={Trait.CHANGES_STATE}, plan=writing)
async def write(
    ctx: ToolContext,
    path: Annotated[str, Field(description="Relative to the workspace, as in notes/today.md.")],
    content: Annotated[str, Field(max_length=LONGEST, description="All of the file.")],
) -> Output:
    """Make a file in your workspace, or replace one as a whole; folders that are missing are made.
    To change a part of a file that is there, use `edit`."""
    return await work(put, ctx, plain(path), content)


def put(ctx: ToolContext, path: str, content: str) -> Output:
    """Write under the lock of the folder. Raises as Root does."""
    with ctx.workspace.locked(path, make=True):
        new = not ctx.workspace.is_file(path)
        before = ""
        with suppress(HarnessError):  # what cannot be read has no mark
            before = ctx.workspace.read_text(path, MAX_BYTES)
        text = with_mark(ctx, path, content, before)
        ctx.workspace.write(path, text)
    done = "is written" if new else "is replaced"
    marked = "" if text == content else "; its first line has the mark of words from outside"
    return Output(f"`{path}` {done}: {len(text)} characters{marked}", {"path": path, "new": new})
