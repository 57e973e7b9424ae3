"""What the tools for files have in common: plans, walks, whose words a file holds, and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, ParamSpec, TypeVar

from harness.config.names import did_you_mean
from harness.errors import HarnessError
from harness.permission.action import Action
from harness.rooted import Missing, folded, normal
from harness.text.marks import marked, sources_of, unmarked
from harness.tools.context import ToolContext
from harness.tools.tool import ToolError

MAX_BYTES = 2_000_000  # of a file that is read or written
MOST_FILES = 50_000  # that one search looks at
SHARED = "shared-context"  # the folder of the pages that all agents share
LEFT_OUT = frozenset({".git", ".harness"})  # what nobody looks for in a workspace

P = ParamSpec("P")
T = TypeVar("T")


async def work(function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Do what blocks beside the event loop. Raises ToolError for all that a Root refuses, as
    then nothing was done."""
    try:
        return await asyncio.to_thread(function, *args, **named)
    except HarnessError as error:
        raise ToolError(str(error), hint=error.hint) from error


def plain(path: str) -> str:
    """The path in the form in which it is judged, opened and told. Raises ToolError."""
    try:
        return str(normal(path))
    except HarnessError as error:
        raise ToolError(str(error)) from error


def reading(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """The plan of a tool that reads what has its `path`. Raises ToolError."""
    return replace(action, reads=(plain(arguments.path),))


def writing(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """The plan of a tool that changes the file of its `path`. Raises ToolError."""
    return replace(action, writes=(plain(arguments.path),), routine=False)


def text_of(ctx: ToolContext, path: str) -> str:
    """The text of a file. Raises what Root raises; Missing with the name probably meant."""
    try:
        return ctx.workspace.read_text(path, MAX_BYTES)
    except Missing as error:
        near = did_you_mean(PurePosixPath(path).name, neighbours(ctx, path))
        raise Missing(f"{error}; {near or 'glob finds files by name'}") from error


def neighbours(ctx: ToolContext, path: str) -> list[str]:
    """The names of the files in the folder of `path`, as far as the agent may see them."""
    folder = PurePosixPath(path).parent
    try:
        below = files_below(ctx, str(folder), lambda found: PurePosixPath(found).parent != folder)
        return [PurePosixPath(found).name for found in below]
    except HarnessError:
        return []


def files_below(
    ctx: ToolContext, folder: str, skip: Callable[[str], bool] = lambda path: False
) -> Iterator[str]:
    """The files below a folder that the agent may read, without the house's and git's own."""
    return ctx.workspace.walk(folder, lambda path: left_out(ctx, path) or skip(path))


def left_out(ctx: ToolContext, path: str) -> bool:
    """Whether a search passes by what has the path."""
    return not LEFT_OUT.isdisjoint(folded(path).split("/")) or ctx.hidden(path)


def whose(ctx: ToolContext, path: str, text: str) -> str:
    """The file's own path when it holds words from outside the house; empty otherwise."""
    return path if ctx.places.is_outside(path) or sources_of(text) else ""


def with_mark(ctx: ToolContext, path: str, text: str, before: str) -> str:
    """A page's text with the mark that it had, and that of what the session has read.

    Only markdown has a place for marks. What all agents share is written as `shared_context` does.
    """
    sources = [*sources_of(before), *ctx.taint.sources]
    if not sources or not path.lower().endswith((".md", ".markdown")):
        return text
    shared = folded(path).startswith(f"{SHARED}/")
    plain = unmarked(text)
    return marked(ctx.keepable(plain, before) if shared else plain, sources)
