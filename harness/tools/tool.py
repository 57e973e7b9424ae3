"""A tool: a typed async function. Its signature is its schema, its docstring its manual."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from harness.errors import HarnessError
from harness.models.port import ToolSpec

if TYPE_CHECKING:
    from harness.tools.context import ToolContext


class ToolError(HarnessError):
    """A call that failed in a way the model can act on: the message is written for it."""


@dataclass(frozen=True)
class Output:
    """What a tool function may return when text alone is not enough."""

    text: str  # what the model reads
    data: Any = None  # the same as data, for checks and for records


@dataclass(frozen=True)
class ToolResult:
    """The one result of one call."""

    call_id: str
    name: str
    text: str  # what the model reads; within the budget
    ok: bool = True
    data: Any = None
    file: str | None = None  # where the whole text lies when `text` is only a preview
    seconds: float = 0.0


Function = Callable[..., Awaitable[str | Output]]
Judgement = Callable[[Mapping[str, Any]], bool]  # of the arguments of a call


def always(arguments: Mapping[str, Any]) -> bool:
    """Whatever the arguments are."""
    return True


@dataclass(frozen=True)
class Tool:
    """One thing an agent may do."""

    name: str
    description: str
    arguments: type[BaseModel]  # validates what the model sent
    function: Function
    parallel: bool = True  # safe beside other calls of the same turn
    idempotent: Judgement = always  # doing it twice with these arguments does no harm
    max_chars: int = 24_000  # of its result; the rest goes to a file
    timeout: float = 60.0  # seconds

    @property
    def spec(self) -> ToolSpec:
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        for parameter in schema.get("properties", {}).values():
            parameter.pop("title", None)
        return ToolSpec(self.name, self.description, schema)

    async def __call__(self, context: ToolContext, arguments: Mapping[str, Any]) -> Output:
        """Validate and run. Raises pydantic.ValidationError, ToolError, or what it may."""
        parsed = self.arguments.model_validate(arguments)
        values = {name: getattr(parsed, name) for name in self.arguments.model_fields}
        answer = await self.function(context, **values)
        return answer if isinstance(answer, Output) else Output(str(answer))


def tool(
    *,
    name: str | None = None,
    parallel: bool = True,
    idempotent: Judgement = always,
    max_chars: int = 24_000,
    timeout: float = 60.0,
) -> Callable[[Function], Tool]:
    """Make a Tool of `async def name(ctx, ...)`; `ctx` is left out of schema and manual."""

    def build(function: Function) -> Tool:
        return Tool(
            name=name or function.__name__,
            description=inspect.cleandoc(function.__doc__ or ""),
            arguments=arguments_model(function),
            function=function,
            parallel=parallel,
            idempotent=idempotent,
            max_chars=max_chars,
            timeout=timeout,
        )

    return build


def arguments_model(function: Function) -> type[BaseModel]:
    """The pydantic model of a function's parameters, the first (the context) left out."""
    hints = get_type_hints(function, include_extras=True, localns={"ToolContext": Any})
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        required = parameter.default is inspect.Parameter.empty
        fields[parameter.name] = (hints[parameter.name], ... if required else parameter.default)
    return create_model(
        f"{function.__name__}_arguments", __config__=ConfigDict(extra="forbid"), **fields
    )
