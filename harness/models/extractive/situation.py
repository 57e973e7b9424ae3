"""A conversation as the extractive model sees it: the task, what was called, what came back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from harness.models.port import ChatRequest, Message, Role, ToolCall, ToolSpec

_HEADER = re.compile(r"\A(?:(?:From|Date|Title): [^\n]*\n)+\n")
_DATE = re.compile(r"^Date: [^\n]*?(\d{4}-\d{2}-\d{2})", re.MULTILINE)
_FAILURE = re.compile(
    r"\A\s*(?:error\b|there (?:is|are) no |the tool broke:|nothing found\s*\Z|cancelled before"
    r"|[\w.]+: (?:missing|unknown;|Input should)|\S+ did not end within |[\w.]+ is empty\b"
    r"|\w+ is empty:|https?://\S+ (?:answered|has no readable text|is a feed|is \S+,))",
    re.IGNORECASE,
)  # where the message itself does not tell
# what was recalled for the task is no part of it (harness/session/prompts/recall*.md)
_RECALLED = re.compile(
    r"^# From your (?:notes|skills)\n\nWhat a search of your .*?(?=^# Handed over$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NOTE = re.compile(r"\ANote from [^\n]{1,200}:\n")


@dataclass(frozen=True)
class Result:
    """One tool call with what came back."""

    tool: str
    arguments: Mapping[str, Any]
    text: str
    call_id: str = ""
    failed: bool = False  # or it brought nothing


@dataclass(frozen=True)
class Situation:
    """Where the session stands."""

    task: str  # without its header lines
    day: date | None  # the asker's date, from the header
    tools: Mapping[str, ToolSpec]  # offered, by name
    results: Sequence[Result]  # in the order of their calls
    notes: Sequence[str]  # what others said since the task was given
    format: Mapping[str, Any] | None

    def of(self, tool: str) -> list[Result]:
        """What that tool has answered so far."""
        return [result for result in self.results if result.tool == tool]


def read(request: ChatRequest) -> Situation:
    """Pure. The task is what was said last before the model first spoke."""
    spoken = [at for at, message in enumerate(request.messages) if message.role is Role.ASSISTANT]
    first = spoken[0] if spoken else len(request.messages)
    asked = [m.content for m in request.messages[:first] if m.role is Role.USER]
    later = [m.content for m in request.messages[first:] if m.role is Role.USER]
    opening = asked[-1] if asked else ""
    return Situation(
        task=_RECALLED.sub("", _HEADER.sub("", opening)).strip(),
        day=_day(opening),
        tools={tool.name: tool for tool in request.tools},
        results=_results(request.messages),
        notes=[text for text in later if _NOTE.match(text)],
        format=request.format,
    )


def _day(opening: str) -> date | None:
    found = _DATE.search(opening)
    try:
        return date.fromisoformat(found.group(1)) if found else None
    except ValueError:
        return None


def _results(messages: Sequence[Message]) -> list[Result]:
    answers = {m.call_id: m for m in messages if m.role is Role.TOOL}
    calls = (call for message in messages for call in message.tool_calls)
    return [_result(call, answers.get(call.id)) for call in calls]


def _result(call: ToolCall, answer: Message | None) -> Result:
    text = answer.content if answer else ""
    failed = answer is None or answer.failed or bool(_FAILURE.match(text))
    return Result(call.name, call.arguments, text, call.id, failed)
