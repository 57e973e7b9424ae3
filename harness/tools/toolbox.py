"""The one way that every tool call takes, whoever makes it and whatever the tool does.

Look it up, check its arguments, foresee what it would do, ask the hooks, judge it, run it within
its time, cut its result to its budget, ask the hooks again, write it down. Every call gets one
result; one that was turned away tells the model what it can do instead.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from harness.config.names import did_you_mean
from harness.config.tool_names import present_name
from harness.errors import HarnessError
from harness.models.port import ToolCall, ToolSpec
from harness.permission.action import Action, Trait
from harness.text.fence import fenced
from harness.text.invisible import visible
from harness.tools.complaints import complaints
from harness.tools.context import ToolContext
from harness.tools.gate import Gate, Waits
from harness.tools.once import key_of, once
from harness.tools.reading import heard, returned
from harness.tools.spill import Spill
from harness.tools.tool import Output, Tool, ToolError, ToolResult

LONGEST_FAILURE = 4_000  # characters of an error text


class Blocked(ToolError):
    """A hook of the person's stopped the call."""


class Watchers(Protocol):
    """The hooks, as far as calls are concerned; both get the arguments as the model sent them."""

    async def before(self, action: Action, arguments: Mapping[str, Any]) -> None:
        """The call is about to be judged. Raises Blocked."""
        ...

    async def after(self, action: Action, arguments: Mapping[str, Any], result: ToolResult) -> None:
        """Its result is there; nothing can be undone."""
        ...


class NoWatchers:
    """For a house without hooks."""

    async def before(self, action: Action, arguments: Mapping[str, Any]) -> None:
        """Nothing to say."""

    async def after(self, action: Action, arguments: Mapping[str, Any], result: ToolResult) -> None:
        """Nothing to say."""


Record = Callable[[ToolCall, ToolResult | None], None]  # None: cut off, nobody knows how it ended


def unrecorded(call: ToolCall, result: ToolResult | None) -> None:
    """For a house that keeps no book."""


@dataclass
class Visit:
    """One call on its way, as far as it has come."""

    call: ToolCall
    tool: Tool | None = None
    action: Action | None = None
    verdict: str = ""
    output: Output = field(default_factory=lambda: Output(""))


class Toolbox:
    """The tools that one session may call."""

    def __init__(
        self,
        tools: Sequence[Tool],
        context: ToolContext,
        gate: Gate,
        *,
        watchers: Watchers | None = None,
        record: Record = unrecorded,
        max_chars: int = 100_000,
    ) -> None:
        """`max_chars` bounds every result, whatever the tool's own limit is."""
        self.tools = tuple(tools)
        self.context = context
        self.gate = gate
        self.watchers = watchers or NoWatchers()
        self.record = record
        self.spill = Spill(context.spill, max_chars)
        self.specs: Sequence[ToolSpec] = tuple(tool.spec for tool in tools)
        self._by_name = {tool.name: tool for tool in self.tools}
        self._made: Counter[str] = Counter()  # calls, by their keys

    def is_parallel(self, name: str) -> bool:
        """Whether calls of this tool may run beside others of the same turn."""
        tool = self._tool(name)
        return tool is not None and tool.parallel

    async def call(self, call: ToolCall) -> ToolResult:
        """Do it. A failure is a result with `ok=False`; only cancelling raises."""
        started = self.context.clock.monotonic()
        visit = Visit(call)
        result: ToolResult | None = None
        try:
            result = await self._result(visit)
            result = replace(result, seconds=self.context.clock.monotonic() - started)
            return result
        finally:
            self.record(call, result)

    def recall(self, call: ToolCall, result: ToolResult) -> None:
        """A result that an earlier attempt got is read again."""
        tool = self._tool(call.name)
        if tool is not None and result.verdict:
            self._effect(tool, key_of(tool.name, call.arguments))
            self._visit_again(tool, call)
        returned(self.gate.taint, tool, result, result.text)

    def hear(self, sender: str, text: str) -> None:
        """A note was read."""
        heard(self.gate.taint, sender, text)

    def _visit_again(self, tool: Tool, call: ToolCall) -> None:
        with suppress(HarnessError, ValidationError):  # it made no sense then either
            for url in tool.foresee(self.context, self._check(tool, call)).urls:
                self.gate.taint.visit(url)

    async def _result(self, visit: Visit) -> ToolResult:
        try:
            await self._make(visit)
            result = await self._fitted(visit)
            if visit.action is not None:
                await self.watchers.after(visit.action, visit.call.arguments, result)
            returned(self.gate.taint, visit.tool, result, visit.output.text)
            return result
        except Waits as waits:
            return self._told(visit, "waits for a person", waits=waits.approval.id)
        except HarnessError as error:
            return self._told(visit, f"{error}\nhint: {error.hint}" if error.hint else str(error))
        except Exception as error:  # the boundary: a tool may fail in any way
            return self._told(visit, f"the tool broke: {type(error).__name__}: {error}")

    async def _make(self, visit: Visit) -> None:
        """Every station up to the tool's own answer. Raises what turns the call away."""
        tool = visit.tool = self._look_up(visit.call.name)
        arguments = self._check(tool, visit.call)
        action = visit.action = tool.foresee(self.context, arguments)
        await self.watchers.before(action, visit.call.arguments)
        key = key_of(tool.name, visit.call.arguments)
        visit.verdict = await self.gate.enter(action, key, dict(visit.call.arguments))
        for url in action.urls:
            self.gate.taint.visit(url)
        effect = self._effect(tool, key)
        visit.output = await self._run(tool, arguments, visit.call.arguments, effect)

    def _tool(self, name: str) -> Tool | None:
        return self._by_name.get(name) or self._by_name.get(present_name(name))

    def _look_up(self, name: str) -> Tool:
        tool = self._tool(name)
        if tool is None:
            ask = did_you_mean(name, self._by_name) or f"known: {', '.join(self._by_name)}"
            raise ToolError(f"there is no tool `{name}`; {ask}")
        return tool

    def _check(self, tool: Tool, call: ToolCall) -> BaseModel:
        try:
            return tool.validate(call.arguments)
        except ValidationError as error:
            raise ToolError("\n".join(complaints(tool, error))) from error

    def _effect(self, tool: Tool, key: str) -> str:
        """Under which name a call is booked: the second `make test` of a session is another one."""
        self._made[key] += 1
        return f"{key}-{self._made[key]}" if tool.repeatable and self._made[key] > 1 else key

    async def _run(
        self, tool: Tool, arguments: BaseModel, raw: Mapping[str, Any], key: str
    ) -> Output:
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                if tool.idempotent(raw):
                    return await tool(self.context, arguments)
                return await once(self.context, tool, arguments, key)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ToolError(f"{tool.name} did not end within {tool.timeout:g} s") from error

    async def _fitted(self, visit: Visit) -> ToolResult:
        """The output as the model reads it: within its budget, and a stranger's words marked."""
        assert visit.tool is not None, "only a call that was made has an output"
        output, action = visit.output, visit.action
        source = output.source
        if not source and action is not None and Trait.READS_UNTRUSTED in action.traits:
            source = visit.tool.name
        text = self.gate.redactor.text(visible(output.text) if source else output.text)
        part = await self.spill.fit(visit.call.id, text, visit.tool.max_chars)
        shown = fenced(source, part.text) if source else part.text
        return ToolResult(
            call_id=visit.call.id,
            name=visit.call.name,
            text="\n".join(piece for piece in (shown, output.remark, part.remark) if piece),
            data=output.data,
            file=str(part.file) if part.file else None,
            source=source,
            verdict=visit.verdict,
        )

    def _told(self, visit: Visit, why: str, *, waits: str = "") -> ToolResult:
        """A result that is no success, in words without anything that nobody sees."""
        text = self.gate.redactor.text(visible(why)[:LONGEST_FAILURE])
        return ToolResult(
            visit.call.id,
            visit.call.name,
            text,
            ok=False,
            source=self._asked(visit),
            verdict=visit.verdict or text.partition("\n")[0],
            waits=waits,
        )

    def _asked(self, visit: Visit) -> str:
        """Whom a call that failed had asked: its error may repeat a stranger's words."""
        action = visit.action
        if not visit.verdict or action is None or Trait.READS_UNTRUSTED not in action.traits:
            return ""
        self.gate.taint.mark(action.tool)
        return action.tool
