"""A step as one plain JSON object, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.bus.port import Outcome, Result
from harness.models.port import Message, Reply, Role, ToolCall, Usage
from harness.session.steps import (
    Compacted,
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from harness.tools.tool import ToolResult

Plain = Mapping[str, Any]

# what a line of another shape runs into
UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


def plain(step: Step) -> dict[str, Any]:
    """The step as JSON values, with its type by name."""
    match step:
        case TurnStarted():
            return {"type": "turn", **vars(step)}
        case NoteArrived():
            return {"type": "note", **vars(step)}
        case Replied():
            return {"type": "reply", "turn": step.turn, **_plain_reply(step.reply)}
        case ToolStarted():
            return {"type": "call", "turn": step.turn, **_plain_call(step.call)}
        case ToolFinished():
            return {"type": "result", "turn": step.turn, **vars(step.result)}
        case Compacted():
            return {"type": "compacted", **vars(step)}
        case Ended():
            return {"type": "ended", **vars(step), "result": vars(step.result)}


def step_of(line: Plain) -> Step:
    """The step that `plain` made this of. Raises UNREADABLE for what is none."""
    kind = line["type"]
    rest = {key: value for key, value in line.items() if key not in ("type", "at")}
    match kind:
        case "turn":
            return TurnStarted(**rest)
        case "note":
            return NoteArrived(**rest)
        case "reply":
            return Replied(rest.pop("turn"), _reply(rest))
        case "call":
            return ToolStarted(rest.pop("turn"), _call(rest))
        case "result":
            return ToolFinished(rest.pop("turn"), ToolResult(**rest))
        case "compacted":
            return Compacted(**rest)
        case "ended":
            return _ended(rest)
        case _:
            raise ValueError(f"no step is called {kind!r}")


def _plain_reply(reply: Reply) -> dict[str, Any]:
    message = reply.message
    return {
        **vars(reply),
        "message": {**vars(message), "tool_calls": [_plain_call(c) for c in message.tool_calls]},
        "usage": vars(reply.usage),
        "saved": vars(reply.saved),
        "timings": dict(reply.timings),
    }


def _reply(line: dict[str, Any]) -> Reply:
    message = line["message"]
    calls = tuple(_call(call) for call in message["tool_calls"])
    role = Role(message["role"])
    whole = Message(**{**message, "role": role, "tool_calls": calls})
    timings = a_mapping(line.get("timings", {}))
    usage, saved = Usage(**line["usage"]), Usage(**line.get("saved", {}))
    known = {"message": whole, "usage": usage, "saved": saved, "timings": timings}
    return Reply(**{**line, **known})


def _plain_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "name": call.name, "arguments": dict(call.arguments)}


def _call(line: Plain) -> ToolCall:
    return ToolCall(**{**line, "arguments": a_mapping(line["arguments"])})


def a_mapping(value: object) -> Plain:
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping is wanted, not {type(value).__name__}")
    return value


def _ended(line: dict[str, Any]) -> Ended:
    result = dict(line["result"])
    for name in ("artifacts", "outside"):
        result[name] = tuple(result.get(name, ()))
    return Ended(
        **{
            **line,
            "reason": Reason(line["reason"]),
            "outcome": Outcome(line["outcome"]),
            "result": Result(**result),
        }
    )
