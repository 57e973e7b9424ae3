"""`skill`: the body of a skill, of which the prompt has only the name and what it is for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import Field

from harness.config.names import did_you_mean
from harness.files import read_plain
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool


@tool()
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
    if not file:
        return Output(found.body, {"files": files_of(found.folder)})
    path = inside(found.folder, file)
    text = await asyncio.to_thread(read_plain, path) if path else None
    if text is None:
        known = ", ".join(await asyncio.to_thread(files_of, found.folder)) or "none"
        raise ToolError(f"the skill `{name}` has no file `{file}`; known: {known}")
    return Output(text, {"file": file})


def inside(folder: Path, file: str) -> Path | None:
    """The path of a skill's file; None for one that leads out of the skill's folder."""
    path = (folder / file).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def files_of(folder: Path) -> list[str]:
    """What a skill has besides its SKILL.md."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in paths)
    return [name for name in names if name != "SKILL.md"]
