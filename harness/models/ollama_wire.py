"""Ollama's /api/chat as data: a request's body, and the lines of an answer put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from harness.models.bounds import MOST_CALLS, MOST_TEXT
from harness.models.ollama_errors import answered
from harness.models.port import (
    ChatRequest,
    Message,
    ModelUnable,
    OnDelta,
    Role,
    ToolSpec,
    Usage,
)
from harness.models.thinking import Speech
from harness.text.surrogates import whole
from harness.text.words import clip

NANOSECONDS = 1e9
LONGEST_NANOSECONDS = 2**63  # the server counts in 64 bits
MOST_TOKENS = 10**7  # no context has more
LONGEST_FINISH = 40  # characters
_DURATIONS = {
    "load": "load_duration",
    "prompt": "prompt_eval_duration",
    "eval": "eval_duration",
    "total": "total_duration",
}


def message_body(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": dict(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.role is Role.TOOL:
        body |= {"tool_name": message.tool_name, "tool_call_id": message.call_id}
    return body


def tool_body(tool: ToolSpec) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def options_body(request: ChatRequest, num_ctx: int, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """num_ctx is always explicit: the server's default may be as small as 4096."""
    options = {**defaults, "num_ctx": num_ctx}
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    return options


class Answer:
    """The lines of one answer, put together as they come."""

    def __init__(self, server: str, model: str, on_delta: OnDelta | None) -> None:
        self._server = server
        self._model = model
        self._speech = Speech(on_delta)
        self.tool_calls: list[Mapping[str, Any]] = []  # each {name, arguments}, as it came
        self.last: Mapping[str, Any] | None = None  # the done line
        self._size = 0

    @property
    def text(self) -> str:
        return self._speech.text

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line in. Raises the ModelError that the line tells of, and ModelUnable for an
        answer that would not end."""
        message = line.get("message")
        if isinstance(message, Mapping):
            if content := message.get("content"):
                self._speech.add(str(content))
            self.tool_calls += _functions(message.get("tool_calls"))
            self._size += len(str(message))
        if len(self.tool_calls) > MOST_CALLS or self._size > MOST_TEXT * 2:
            raise ModelUnable(f"{self._model} at {self._server} does not come to an end")
        if line.get("done"):
            self.last = line
        elif not isinstance(message, Mapping):
            self._complain(line)

    def usage(self, estimated_prompt: int, estimated_completion: int) -> Usage:
        """The server's counts; it leaves out a zero, and some leave out a cached prompt."""
        last = self.last or {}
        prompt, completion = last.get("prompt_eval_count"), last.get("eval_count")
        return Usage(
            prompt if is_count(prompt) else estimated_prompt,
            completion if is_count(completion) else estimated_completion,
            estimated=not is_count(prompt) or not is_count(completion),
        )

    def timings(self) -> dict[str, float]:
        last = self.last or {}
        return {name: seconds(last.get(field)) for name, field in _DURATIONS.items()}

    def _complain(self, line: Mapping[str, Any]) -> None:
        """Some versions write `{"error parsing tool call": ...}`: the key holds half the text."""
        for key, value in line.items():
            if key.startswith("error"):
                raise answered(f"{key}: {value}", -1, self._server, self._model)


def is_count(value: object) -> TypeGuard[int]:
    """Whether the server gave a number of tokens, and not something else in its place."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def seconds(nanoseconds: object) -> float:
    """A duration of the server; 0 where it gives none that can be one."""
    if isinstance(nanoseconds, int | float) and 0 <= nanoseconds <= LONGEST_NANOSECONDS:
        return nanoseconds / NANOSECONDS
    return 0.0


def finish_of(reason: object) -> str:
    """Why the answer ended, in the server's word."""
    return whole(clip(str(reason or "stop"), LONGEST_FINISH))


def _functions(tool_calls: object) -> list[Mapping[str, Any]]:
    if not isinstance(tool_calls, Sequence):
        return []
    functions = (call.get("function") for call in tool_calls if isinstance(call, Mapping))
    return [function for function in functions if isinstance(function, Mapping)]
