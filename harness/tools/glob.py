"""`glob`: the files of the workspace whose paths fit a pattern."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from harness.permission.action import Action, Trait
from harness.rooted import Missing
from harness.tools.context import ToolContext
from harness.tools.patterns import fits, start_of
from harness.tools.tool import Output, tool
from harness.tools.workspace import MOST_FILES, files_below, left_out, plain, work


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """The folder that is looked through. Raises ToolError."""
    return replace(action, reads=(start_of(plain(arguments.pattern)),))


@tool(timeout=30, traits={Trait.READS_PRIVATE}, plan=foreseen)
async def glob(
    ctx: ToolContext,
    pattern: Annotated[
        str, Field(max_length=400, description="Such as notes/*.md; `**` is any folders.")
    ],
    limit: Annotated[int, Field(ge=1, le=2_000, description="How many paths.")] = 200,
) -> Output:
    """The paths of the files in your workspace that fit a pattern. `*.md` finds what lies at its
    top, `**/*.md` what lies anywhere, `notes/**` all that lies below a folder."""
    wanted = plain(pattern)
    found, whole = await work(matching, ctx, wanted)
    remarks = [] if whole else [f"[only the first {MOST_FILES} files were looked at]"]
    if len(found) > limit:
        remarks.append(f"[{limit} of {len(found)} are shown: make the pattern narrower]")
    shown = found[:limit]
    text = "\n".join(shown) or f"no file fits {wanted}"
    outside = next(filter(ctx.places.is_outside, shown), "")
    return Output(text, shown, source=outside, remark="\n".join(remarks))


def matching(ctx: ToolContext, pattern: str) -> tuple[list[str], bool]:
    """The paths that fit, and whether all were looked at. Raises as Root does."""
    start = start_of(pattern)
    if left_out(ctx, start):
        return [], True
    try:
        paths = list(islice(files_below(ctx, start), MOST_FILES + 1))
    except Missing:
        return [], True
    fitting = [path for path in paths[:MOST_FILES] if fits(pattern, path)]
    return sorted(fitting), len(paths) <= MOST_FILES
