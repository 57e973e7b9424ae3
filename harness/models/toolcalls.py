"""Tool calls that a model wrote as text, in the shapes that models are known to write.

A call counts only when it names a tool that was offered. Marks that announce a call
(`<tool_call>` and its kin) are read anywhere; JSON without a mark only where it is the whole
answer or the fenced end of one, so that prose about a tool stays prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeGuard

from harness.models.bounds import MOST_CALLS
from harness.models.port import BadReply, ToolCall, ToolSpec
from harness.text.words import clip

DEEPEST = 64  # lists and objects within each other, in the arguments of a call
LONGEST_NAME = 256  # characters of a tool's name
LONGEST_ECHO = 60  # characters of a wrong name that a reason repeats


@dataclass(frozen=True)
class Written:
    """Calls found in a text, and the prose around them."""

    calls: Sequence[tuple[str, Mapping[str, Any]]]  # name, arguments
    prose: str


@dataclass(frozen=True)
class Broken:
    """Something that was meant as a call and cannot be read as one."""

    reason: str


def read_calls(text: str, tools: Sequence[ToolSpec]) -> Written | Broken | None:
    """The calls that `text` makes to `tools`; None when it is plain prose. Never raises."""
    offered = {tool.name: tool for tool in tools}
    if not offered:
        return None
    try:
        return _marked(text, offered) or _fenced(text, offered) or _bare(text, offered)
    except _Unreadable as error:
        return Broken(str(error))


def calls_in(
    text: str, tools: Sequence[ToolSpec], model: str, ids: Callable[[], str]
) -> tuple[str, Sequence[ToolCall]]:
    """The prose of an answer, and the calls that it makes in words. Raises BadReply for a call
    that cannot be read."""
    match read_calls(text, tools):
        case Broken(reason):
            raise BadReply(f"{model} wrote a broken tool call: {reason}", text)
        case None:
            return text, ()
        case Written(calls) if len(calls) > MOST_CALLS:
            raise BadReply(f"{model} wrote {len(calls)} tool calls at once", text)
        case written:
            return written.prose, [ToolCall(ids(), *each) for each in written.calls]


# ------------------------------------------------------------------ calls announced by a mark

_MARK = re.compile(
    r"<\|?(?:tool_calls?|function_calls?)\|?>\s*(?=[{\[<])"
    r"|\[TOOL_CALLS\]\s*(?=[{\[]|[\w.-]+\s*(?:\[ARGS\]|\{))"
    r"|<\|python_tag\|>\s*(?=[{\[])"
    r"|(?=<function=[\w.-]+>)"
)
_CLOSE = re.compile(r"\s*(?:</?\|?(?:/?tool_calls?|/?function_calls?)\|?>|</s>|<\|eom_id\|>)")
_FUNCTION = re.compile(r"<function=([\w.-]+)>\s*")
_PARAMETER = re.compile(r"\s*<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_FUNCTION_END = re.compile(r"\s*</function>")
_NAMED_ARGS = re.compile(r"([\w.-]+)\s*+(?:\[ARGS\]\s*+)?(?=\{)")

Offered = Mapping[str, ToolSpec]
Call = tuple[str, Mapping[str, Any]]


class _Unreadable(Exception):
    """The text announces a call and does not make one."""


def _marked(text: str, offered: Offered) -> Written | None:
    calls: list[Call] = []
    prose: list[str] = []
    at = 0
    while mark := _MARK.search(text, at):
        prose.append(text[at : mark.start()])
        found, at = _payload(text, mark.end(), offered)
        calls += found
        if close := _CLOSE.match(text, at):
            at = close.end()
    prose.append(text[at:])
    return Written(calls, "".join(prose).strip()) if calls else None


def _payload(text: str, at: int, offered: Offered) -> tuple[list[Call], int]:
    """The calls that stand at `at`, one or several in a row, and where they end."""
    calls: list[Call] = []
    while True:
        start = _skip_space(text, at)
        if function := _FUNCTION.match(text, start):
            call, at = _function(text, function, offered)
            calls.append(call)
        elif text[start : start + 1] in {"{", "["}:
            value, at = _json_at(text, start)
            calls += [_as_offered(entry, offered) for entry in _entries(value)]
        elif not calls and (named := _NAMED_ARGS.match(text, start)):
            value, at = _json_at(text, named.end())
            calls.append(_checked(named.group(1), value, offered))
        elif calls:
            return calls, at
        else:
            raise _Unreadable("a mark that announces a tool call has no call after it")


def _function(text: str, opening: re.Match[str], offered: Offered) -> tuple[Call, int]:
    """`<function=name>`: then JSON, or `<parameter=key>value</parameter>` in any number."""
    name, at = opening.group(1), opening.end()
    arguments: Any
    if text[at : at + 1] == "{":
        arguments, at = _json_at(text, at)
    else:
        schema = offered[name].parameters.get("properties", {}) if name in offered else {}
        arguments = {}
        while parameter := _PARAMETER.match(text, at):
            key, value = parameter.groups()
            arguments[key] = _typed(value, schema.get(key))
            at = parameter.end()
    end = _FUNCTION_END.match(text, at)
    if end is None and not arguments:
        raise _Unreadable(f"the call of {name} does not end")
    return _checked(name, arguments, offered), end.end() if end else at


def _typed(value: str, schema: object) -> Any:
    """A parameter is text unless its schema wants something else."""
    if not isinstance(schema, Mapping) or schema.get("type") == "string":
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


# ------------------------------------------------------------------------ calls without a mark

_FENCE = re.compile(
    r"```(?:json|tool_call|tool_code|tool)?[ \t]*\n\s*([{\[].*?)\n?```\s*\Z", re.DOTALL
)
_OPENING = re.compile(r'\s*\[?\s*\{\s*"(?:name|function)"\s*:\s*"([^"]*)"')
_CALL_KEYS = frozenset(
    {"name", "function", "arguments", "parameters", "args", "id", "type", "index"}
)


def _fenced(text: str, offered: Offered) -> Written | None:
    fences = list(_last_fence(text))
    if not fences:
        return None
    start, body = fences[-1]
    calls = _unmarked(body, offered)
    return Written(calls, text[:start].strip()) if calls else None


def _last_fence(text: str) -> Iterator[tuple[int, str]]:
    start = text.rfind("```", 0, text.rfind("```"))
    if start >= 0 and (fence := _FENCE.match(text, start)):
        yield start, fence.group(1)


def _bare(text: str, offered: Offered) -> Written | None:
    calls = _unmarked(text, offered)
    return Written(calls, "") if calls else None


def _unmarked(text: str, offered: Offered) -> list[Call]:
    """Calls when the whole of `text` is one or several of them, else nothing."""
    body = text.strip()
    if not body.startswith(("{", "[")):
        return []
    try:
        value = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        opening = _OPENING.match(body)
        if opening and opening.group(1) in offered:
            raise _Unreadable(f"the call of {opening.group(1)} is not valid JSON") from None
        return []
    entries = _entries(value)
    if not entries or not all(_looks_like_call(entry, offered) for entry in entries):
        return []
    return [_as_offered(entry, offered) for entry in entries]


def _looks_like_call(entry: object, offered: Offered) -> bool:
    if not isinstance(entry, Mapping) or not entry.keys() <= _CALL_KEYS:
        return False
    inner = entry.get("function")
    call = inner if isinstance(inner, Mapping) else entry
    name = call.get("name", inner)
    return isinstance(name, str) and name in offered and _arguments_key(call) is not None


# ------------------------------------------------------------------------------ what they share


def _as_offered(entry: object, offered: Offered) -> Call:
    """One object of JSON as a call. Raises _Unreadable."""
    if not isinstance(entry, Mapping):
        raise _Unreadable("a tool call is not a JSON object")
    inner = entry.get("function")
    call = inner if isinstance(inner, Mapping) else entry
    key = _arguments_key(call)
    return _checked(call.get("name", inner), call[key] if key else {}, offered)


def _arguments_key(call: Mapping[str, Any]) -> str | None:
    return next((key for key in ("arguments", "parameters", "args") if key in call), None)


def _checked(name: object, arguments: object, offered: Offered) -> Call:
    if not isinstance(name, str):
        raise _Unreadable("a tool call names no tool")
    if name not in offered:
        shown = clip(name, LONGEST_ECHO)
        raise _Unreadable(f"there is no tool {shown!r}; offered are {', '.join(sorted(offered))}")
    given = arguments_object(arguments)
    if given is None:
        raise _Unreadable(f"the arguments of {name} are not a JSON object")
    return name, given


def is_name(value: object) -> TypeGuard[str]:
    """Whether it can be the name of a tool."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def arguments_object(value: object) -> Mapping[str, Any] | None:
    """Arguments as an object, also when they came as a string of JSON; None when they are none."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}", strict=False)
        except (ValueError, RecursionError):
            return None
    if value is None:
        return {}
    return value if isinstance(value, Mapping) and can_be_sent(value) else None


def can_be_sent(value: object) -> bool:
    """Whether the value can go on as JSON: Python reads `NaN` and 1e999, and cannot send them;
    and what was read of any depth trips up who writes it.
    """
    level = [value]
    for _ in range(DEEPEST):
        if any(isinstance(each, float) and not isfinite(each) for each in level):
            return False
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return True
    return False


def _within(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _entries(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _json_at(text: str, at: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, at)
    except (ValueError, RecursionError):
        raise _Unreadable("a tool call is not valid JSON") from None


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
