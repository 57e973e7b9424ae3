"""`skill`: the body of a skill, of which the prompt has only the name and what it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from harness.config.names import did_you_mean
from harness.config.skills import further_files
from harness.errors import HarnessError
from harness.permission.action import Action
from harness.rooted import Root
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

MAX_BYTES = 500_000  # of a further file


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Which skill is read."""
    return replace(action, about=arguments.name)


@tool(plan=foreseen)
async def skill(
    ctx: ToolContext,
    name: Annotated[str, Field(description="A skill of your list.")],
    file: Annotated[str, Field(description="A further file that the skill names.")] = "",
) -> Output:
    """Read a skill before you work by it. Without `file` it gives the instructions themselves."""
    found = ctx.skills.get(name)
    if found is None:
        ask = did_you_mean(name, ctx.skills) or f"known: {', '.join(ctx.skills) or 'none'}"
        raise ToolError(f"you have no skill `{name}`; {ask}")
    root = Root(found.folder)
    if not file:
        files = await asyncio.to_thread(further_files, found.folder)
        return Output(with_files(found.body, files), {"files": files})
    try:
        text = await asyncio.to_thread(root.read_text, file, MAX_BYTES)
    except HarnessError as error:
        known = ", ".join(await asyncio.to_thread(further_files, found.folder)) or "none"
        why = f"the skill `{name}` has no file {file!r:.200} to read; known: {known}"
        raise ToolError(f"{why} ({error})") from error
    return Output(text, {"file": file})


def with_files(body: str, files: Sequence[str]) -> str:
    """The instructions, and below them what else there is to read."""
    return f"{body}\n\nFurther files of this skill: {', '.join(files)}" if files else body
