"""`request`: one agent asks another."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from harness.bus.outside import outside_payload, source_of
from harness.bus.port import Request, State, Task
from harness.config.names import did_you_mean
from harness.permission.action import Action, Trait
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Whom the call asks. Raises ToolError when there is nobody of that name."""
    wanted = arguments.agent.strip()
    if wanted == ctx.agent:
        raise ToolError("you cannot ask yourself: do it, or say that it is not done")
    if wanted not in ctx.agents:
        others = sorted(ctx.agents - {ctx.agent})
        ask = did_you_mean(wanted, others)
        known = f"known: {', '.join(others)}"
        raise ToolError(f"there is no agent `{wanted}`; {f'{ask} {known}' if ask else known}")
    return replace(action, about=wanted, inherits=True)


@tool(  # the key sees to it that nothing is asked twice
    parallel=False, traits={Trait.CHANGES_STATE}, plan=foreseen
)
async def request(
    ctx: ToolContext,
    agent: Annotated[str, Field(description="The name of another agent.")],
    prompt: Annotated[
        str, Field(min_length=1, max_length=20_000, description="The whole task, in words.")
    ],
    title: Annotated[str, Field(max_length=200, description="A short name for the task.")] = "",
) -> Output:
    """Ask another agent to do something. You get a task id at once, not the answer. The other
    agent sees only this prompt: say what you need, for what, and by when."""
    wanted = agent.strip()
    task = await ctx.bus.request(
        Request(
            agent=wanted,
            prompt=ctx.keepable(prompt),
            title=ctx.keepable(title.strip()),
            sender=ctx.agent,
            parent=ctx.task.id,
            priority=ctx.task.priority,
            callback=True,
            key=key_of(ctx.task.id, wanted, prompt),
            payload=outside_payload(
                ctx.taint.sources, private=ctx.taint.carries(prompt) is not None
            ),
        )
    )
    data = {"task": task.id, "agent": wanted, "state": task.state.value}
    if task.state in (State.FINAL, State.DEAD):
        return Output(answered(task), data, source=source_of(task))
    text = f"{wanted} has it as task {task.id}. The answer will come as a note or as a new task."
    return Output(text, data)


def answered(task: Task) -> str:
    """What became of the same question asked before: it is not asked twice for one task."""
    text = task.result.text.strip() if task.result else ""
    ended = f"You asked {task.agent} the same before: it ended as {task.outcome or task.state}"
    answer = "\n".join(f"> {line}" for line in text.splitlines()) or "> (no answer)"
    return f"{ended}. Ask in other words if you need more.\n\n{answer}"


def key_of(task: str, agent: str, prompt: str) -> str:
    """The same for every attempt at the asking task: a second attempt asks nothing twice."""
    digest = hashlib.sha256(f"{agent}\0{prompt}".encode()).hexdigest()[:16]
    return f"ask:{task}:{digest}"
