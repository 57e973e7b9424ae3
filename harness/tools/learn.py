"""`learn`: a mistake and the rule that would have avoided it, as an entry of .learnings/."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.errors import NotFound
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.book import Book, Kept
from harness.memory.lessons.harmless import one_line
from harness.permission.action import Action, Trait
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """A lesson carries the session's mark."""
    return replace(action, about=arguments.category, inherits=True)


@tool(parallel=False, timeout=30, traits={Trait.CHANGES_STATE}, plan=foreseen)
async def learn(
    ctx: ToolContext,
    summary: Annotated[str, Field(min_length=3, max_length=500, description="One sentence.")],
    details: Annotated[
        str, Field(max_length=4_000, description="What happened, and the rule that follows.")
    ] = "",
    category: Annotated[
        Literal["correction", "insight", "knowledge_gap", "best_practice"],
        Field(description="What sort of lesson it is."),
    ] = "insight",
    pattern_key: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9-]+\.[a-z0-9_-]+)?$",
            description="Names the pattern as area.symptom, such as net.timeout; may be left out.",
        ),
    ] = "",
    rule: Annotated[
        str, Field(max_length=500, description="What avoids it: `When X, do Y`, one sentence.")
    ] = "",
    contradicts: Annotated[
        str, Field(max_length=80, description="The id of an older lesson that this shows wrong.")
    ] = "",
) -> Output:
    """Write down a lesson for yourself: what went wrong, and the rule that would have avoided it.
    Lessons that prove themselves are promoted into your memory."""
    seen = Observation(
        kind=Kind.LEARNING,
        title=category,
        summary=ctx.keepable(summary),
        source=Source.AGENT,
        task=ctx.task.id,
        at=ctx.clock.now().astimezone(ctx.zone),
        key=pattern_key,
        details=ctx.keepable(details),
        fix=one_line(ctx.keepable(rule)),
        outside=tuple(ctx.taint.sources),
        contradicts=contradicts.strip(),
    )
    if not one_line(seen.summary):
        raise ToolError("summary is empty: say what was learned")
    book = Book(ctx.home, ctx.agent, ctx.redactor, ctx.similar)
    try:
        return told(await asyncio.to_thread(book.record, seen))
    except NotFound as error:
        raise ToolError(f"contradicts: {error}", hint=error.hint) from error


def told(kept: Kept) -> Output:
    """What the model reads of it."""
    if kept.new:
        return Output(f"written as {kept.id}", {"id": kept.id})
    known = f"counted on {kept.id}" if kept.counted else f"already written as {kept.id}"
    return Output(known, {"id": kept.id})
