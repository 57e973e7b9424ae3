"""Calling a tool without a toolbox, and making a gate for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.config.rules import Rules, parse_rule
from harness.permission.policy import Policy
from harness.tools.context import ToolContext
from harness.tools.gate import Asking, Gate
from harness.tools.tool import Output, Tool


async def use(tool: Tool, ctx: ToolContext, arguments: Mapping[str, Any]) -> Output:
    """What the tool itself gives, once its arguments and its plan are found sound."""
    parsed = tool.validate(arguments)
    tool.foresee(ctx, parsed)
    return await tool(ctx, parsed)


def a_gate(
    ctx: ToolContext, mode: str = "default", *, asking: Asking | None = None, **rules: list[str]
) -> Gate:
    """A gate for one session: `a_gate(ctx, allow=["run(make test)"])`."""
    parsed = Rules(**{kind: [parse_rule(text) for text in texts] for kind, texts in rules.items()})
    policy = Policy.of(mode, ctx.places, [parsed])
    return Gate(policy, ctx.taint, ctx.bus, ctx.task, ctx.clock, asking=asking)
