"""A tool: a typed async function. Its signature is its schema, its docstring its manual."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from harness.errors import HarnessError
from harness.models.port import ToolSpec
from harness.permission.action import Action, Trait

if TYPE_CHECKING:
    from harness.tools.context import ToolContext


class ToolError(HarnessError):
    """A call that failed in a way the model can act on: the message is written for it."""


@dataclass(frozen=True)
class Output:
    """What a tool function may return when text alone is not enough."""

    text: str  # what the model reads
    data: Any = None  # the same as data, for checks and for records
    source: str = ""  # whose words the text is, when it came from outside the house
    remark: str = ""  # what the house itself says to it


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
    source: str = ""  # whose words the text is, when it came from outside the house
    verdict: str = ""  # why the call was made, or was not
    waits: str = ""  # the approval that it waits for: there is no result yet


Function = Callable[..., Awaitable[str | Output]]
Judgement = Callable[[Mapping[str, Any]], bool]  # of the arguments of a call
# what a call would do, of what is known of every call of its tool and its sound arguments.
# Raises ToolError for a call that makes no sense.
Plan = Callable[["ToolContext", Action, Any], Action]


def always(arguments: Mapping[str, Any]) -> bool:
    """Whatever the arguments are."""
    return True


def as_declared(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """The plan of a tool all of whose calls do the same."""
    return action


@dataclass(frozen=True)
class Tool:
    """One thing an agent may do."""

    name: str
    description: str
    arguments: type[BaseModel]  # validates what the model sent
    function: Function
    parallel: bool = True  # safe beside other calls of the same turn
    idempotent: Judgement = always  # doing it twice with these arguments does no harm
    repeatable: bool = False  # where it does: the model may mean it, and then it is done again
    max_chars: int = 24_000  # of its result; the rest goes to a file
    timeout: float = 60.0  # seconds
    traits: AbstractSet[Trait] = frozenset()
    plan: Plan = as_declared
    keeps: bool = False  # it reads back what was kept without made-up addresses (ToolContext)

    @property
    def spec(self) -> ToolSpec:
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        for parameter in schema.get("properties", {}).values():
            parameter.pop("title", None)
        return ToolSpec(self.name, self.description, schema)

    def validate(self, arguments: Mapping[str, Any]) -> BaseModel:
        """The arguments in their types. Raises pydantic.ValidationError."""
        return self.arguments.model_validate(arguments)

    def foresee(self, context: ToolContext, arguments: BaseModel) -> Action:
        """What the call would do. Raises ToolError for one that makes no sense."""
        return self.plan(context, Action(self.name, self.traits), arguments)

    async def __call__(self, context: ToolContext, arguments: BaseModel) -> Output:
        """Do it. Raises ToolError, or what it may."""
        values = {name: getattr(arguments, name) for name in self.arguments.model_fields}
        answer = await self.function(context, **values)
        return answer if isinstance(answer, Output) else Output(str(answer))


def tool(
    *,
    name: str | None = None,
    parallel: bool = True,
    idempotent: Judgement = always,
    repeatable: bool = False,
    max_chars: int = 24_000,
    timeout: float = 60.0,
    traits: AbstractSet[Trait] = frozenset(),
    plan: Plan = as_declared,
    keeps: bool = False,
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
            repeatable=repeatable,
            max_chars=max_chars,
            timeout=timeout,
            traits=traits,
            plan=plan,
            keeps=keeps,
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
