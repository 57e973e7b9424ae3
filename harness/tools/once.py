"""Calls that must not be made twice for one task, whatever happens between two attempts.

The bus keeps book: begun before, done after. A second call with the same arguments gets what
the first one gave. One that was begun and never came back is not made again by a machine.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from harness.bus.port import EffectState
from harness.tools.context import ToolContext
from harness.tools.tool import Output, Tool, ToolError

GRACE_SECONDS = 5.0  # for a call under way when its session is called off


async def once(ctx: ToolContext, tool: Tool, arguments: BaseModel, call: str) -> Output:
    """Make the call of that key, which must not be repeated. Raises as the tool does, LeaseLost,
    and ToolError for a call of which nobody knows whether it was made."""
    effect, may = await ctx.bus.begin_effect(ctx.task, call, tool.name)
    if may:
        return await to_its_end(asyncio.create_task(perform(ctx, tool, arguments, call)))
    if effect.state is EffectState.DONE:
        return Output(f"{effect.text}\n[done already, in attempt {effect.attempt}; not done again]")
    raise ToolError(
        f"the same call of {tool.name} did not come back before: nobody knows whether it was"
        " done. Do not repeat it; say so in your answer"
    )


async def perform(ctx: ToolContext, tool: Tool, arguments: BaseModel, call: str) -> Output:
    try:
        output = await tool(ctx, arguments)
    except ToolError:  # it says itself that it did nothing
        await ctx.bus.drop_effect(ctx.task, call)
        raise
    await ctx.bus.finish_effect(ctx.task, call, output.text)
    return output


async def to_its_end(work: asyncio.Task[Output]) -> Output:
    """What `work` gives; who is called off meanwhile waits a little for the work's end."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work], timeout=GRACE_SECONDS)
        work.cancel()
        raise


def key_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """The same for the same call, whatever the order in which a model writes arguments."""
    text = json.dumps([tool, arguments], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
