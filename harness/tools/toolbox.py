"""The box of tools of one session: every call gets one result, whatever the tool does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.config.names import did_you_mean
from harness.errors import HarnessError
from harness.files import make_folder, write_whole
from harness.models.port import ToolCall, ToolSpec
from harness.tools.context import ToolContext
from harness.tools.once import once
from harness.tools.read_result import spill_file, whole_lines
from harness.tools.tool import Output, Tool, ToolResult

ROOM_FOR_NOTE = 200  # characters that telling about a cut may take
LONGEST_ECHO = 60  # characters of a wrong value that an error repeats


class Toolbox:
    """The tools that one session may call, and how their failures are told."""

    def __init__(
        self, tools: Sequence[Tool], context: ToolContext, *, max_chars: int = 100_000
    ) -> None:
        """`max_chars` bounds every result, whatever the tool's own limit is."""
        self.tools = tuple(tools)
        self.context = context
        self.max_chars = max_chars
        self.specs: Sequence[ToolSpec] = tuple(tool.spec for tool in tools)
        self._by_name = {tool.name: tool for tool in self.tools}

    def is_parallel(self, name: str) -> bool:
        """Whether calls of this tool may run beside others of the same turn."""
        tool = self._by_name.get(name)
        return tool is not None and tool.parallel

    async def call(self, call: ToolCall) -> ToolResult:
        """Do it. A failure is a result with `ok=False`; only cancelling raises."""
        started = self.context.clock.monotonic()
        tool = self._by_name.get(call.name)
        if tool is None:
            ok, output = False, Output(self._unknown(call.name))
        else:
            ok, output = await self._run(tool, call)
        text, file = await self._fitted(call, tool, output.text)
        seconds = self.context.clock.monotonic() - started
        return ToolResult(
            call_id=call.id,
            name=call.name,
            text=text,
            ok=ok,
            data=output.data,
            file=str(file) if file else None,
            seconds=seconds,
        )

    async def _run(self, tool: Tool, call: ToolCall) -> tuple[bool, Output]:
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                if tool.idempotent(call.arguments):
                    return True, await tool(self.context, call.arguments)
                return True, await once(self.context, tool, call.arguments)
        except ValidationError as error:
            if error.title != tool.arguments.__name__:  # not about the call: the tool's own
                return False, broken(error)
            return False, Output("\n".join(complaints(tool, error)))
        except HarnessError as error:
            return False, Output(f"{error}\nhint: {error.hint}" if error.hint else str(error))
        except TimeoutError as error:
            if not limit.expired():
                return False, broken(error)
            return False, Output(f"{tool.name} did not end within {tool.timeout:g} s")
        except Exception as error:  # the boundary: a tool may fail in any way
            return False, broken(error)

    async def _fitted(
        self, call: ToolCall, tool: Tool | None, text: str
    ) -> tuple[str, Path | None]:
        """The text within its budget, and the file with all of it when it had to be cut."""
        limit = min(tool.max_chars if tool else self.max_chars, self.max_chars)
        if len(text) <= limit:
            return text, None
        file = spill_file(self.context.spill, call.id)
        head = whole_lines(text[: max(limit - ROOM_FOR_NOTE, 0)])
        shown = f"{head.rstrip()}\n[cut: {len(head)} of {len(text)} characters are shown"
        try:
            await asyncio.to_thread(keep, file, text)
        except OSError as error:
            return f"{shown}; the rest could not be kept: {error.strerror}]", None
        return f'{shown}; read_result(id="{call.id}", offset={len(head)}) gives more]', file

    def _unknown(self, name: str) -> str:
        names = [tool.name for tool in self.tools]
        ask = did_you_mean(name, self._by_name)
        return f"there is no tool `{name}`; {ask or 'known: ' + ', '.join(names)}"


def complaints(tool: Tool, error: ValidationError) -> Iterator[str]:
    """What is wrong with the arguments, field by field, and what the tool takes."""
    fields = tool.arguments.model_fields
    for detail in error.errors(include_url=False):
        place = ".".join(map(str, detail["loc"])) or "arguments"
        match detail["type"]:
            case "missing":
                yield f"{place}: missing"
            case "extra_forbidden":
                yield f"{place}: unknown; {did_you_mean(place, fields) or 'leave it out'}"
            case _:
                given = repr(detail["input"])
                echo = given if len(given) <= LONGEST_ECHO else f"{given[:LONGEST_ECHO]}…"
                yield f"{place}: {detail['msg']}, not {echo}"
    takes = (f"{name}{'' if field.is_required() else '?'}" for name, field in fields.items())
    yield f"{tool.name}({', '.join(takes)})"


def broken(error: Exception) -> Output:
    return Output(f"the tool broke: {type(error).__name__}: {error}")


def keep(file: Path, text: str) -> None:
    make_folder(file.parent)
    write_whole(file, text, durable=False)
