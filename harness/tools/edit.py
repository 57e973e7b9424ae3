"""`edit`: one part of a file for another, and only where it is certain which part is meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import Field

from harness.permission.action import Trait
from harness.rooted import Unfit
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool
from harness.tools.workspace import MAX_BYTES, plain, text_of, with_mark, work, writing

LONGEST = 100_000  # characters
COMPARED = 5_000  # lines among which a near one is looked for
WIDEST = 300  # characters of a line that are compared
SHOWN = 5  # places that an error names


def never(arguments: Mapping[str, Any]) -> bool:
    """The new text may hold the old one, and would then be changed again."""
    return False


@tool(parallel=False, idempotent=never, timeout=30, traits={Trait.CHANGES_STATE}, plan=writing)
async def edit(
    ctx: ToolContext,
    path: Annotated[str, Field(description="Relative to the workspace, as in notes/today.md.")],
    old: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST, description="Exactly as it stands in the file."),
    ],
    new: Annotated[str, Field(max_length=LONGEST, description="What stands there afterwards.")],
    all: Annotated[bool, Field(description="Change it wherever it stands.")] = False,
) -> Output:
    """Change a part of a file in your workspace. `old` must stand in the file exactly once, blanks
    and line ends included: take in the lines around it until it does, or say all=true."""
    if old == new:
        raise ToolError("old and new are the same: there is nothing to change")
    return await work(change, ctx, plain(path), old, new, all)


def change(ctx: ToolContext, path: str, old: str, new: str, everywhere: bool) -> Output:
    """Read, change and write under the lock of the folder. Raises ToolError, and as Root does."""
    with ctx.workspace.locked(path):
        before = text_of(ctx, path)
        if has_crlf(before) and "\r" not in old + new:  # models leave them out
            old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
        lines = places(before, old)
        if not lines:
            raise ToolError(f"not changed: {path} does not have that text{nearest(before, old)}")
        if len(lines) > 1 and not everywhere:
            raise ToolError(f"not changed: {path} has that text {ambiguous(lines)}")
        text = with_mark(ctx, path, before.replace(old, new), before)
        if len(text.encode("utf-8", "replace")) > MAX_BYTES:
            raise Unfit(f"not changed: {path} would be larger than {MAX_BYTES} bytes")
        ctx.workspace.write(path, text)
    count = before.count(old)
    where = f"line {lines[0]}" if count == 1 else f"{count} places"
    return Output(f"`{path}` is changed in {where}", {"path": path, "count": count})


def has_crlf(text: str) -> bool:
    """Whether every line ends as on Windows."""
    return 0 < text.count("\n") == text.count("\r\n")


def places(text: str, part: str) -> list[int]:
    """The line of every place where `part` begins; places may overlap."""
    lines, line, at = [], 1, 0
    while (found := text.find(part, at)) >= 0:
        line += text.count("\n", max(at - 1, 0), found)
        lines.append(line)
        at = found + 1
    return lines


def ambiguous(lines: list[int]) -> str:
    named = ", ".join(map(str, lines[:SHOWN])) + (", ..." if len(lines) > SHOWN else "")
    return (
        f"{len(lines)} times (lines {named}): take in more of the lines around the one that is"
        " meant, or say all=true"
    )


def nearest(text: str, part: str) -> str:
    """Where the text probably is that was meant; only its line, as `read` shows the words."""
    wanted = next((line.strip() for line in part.split("\n") if line.strip()), "")[:WIDEST]
    lines = [line.strip()[:WIDEST] for line in text.split("\n", COMPARED)[:COMPARED]]
    near = get_close_matches(wanted, lines, n=1) if wanted else []
    if not near:
        return "; read the file, and copy from it"
    return f"; line {lines.index(near[0]) + 1} is like it: read it, and copy it exactly"
