"""OpenAI's chat completions as data: a request's body, and the events of an answer put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.models.bounds import MOST_CALLS, MOST_TEXT
from harness.models.ollama_wire import finish_of, is_count, tool_body
from harness.models.openai.errors import Site
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelUnable,
    OnDelta,
    Role,
    ToolCall,
    Usage,
)
from harness.models.thinking import Speech

ANSWER = "answer"  # the name that a schema must have on this wire


def request_body(
    request: ChatRequest, model: str, temperature: float | None, ids: Mapping[str, str]
) -> dict[str, Any]:
    """All but the limit of the answer. `ids`: what the server called the calls that are ours by
    another id."""
    theirs = ids_of(request.messages, ids)
    body: dict[str, Any] = {
        "model": model,
        "messages": [message_body(message, theirs) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [tool_body(tool) for tool in request.tools]
    if request.format is not None:
        body["response_format"] = format_body(request.format)
    heat = temperature if request.temperature is None else request.temperature
    if heat is not None:
        body["temperature"] = heat
    return body


def ids_of(messages: Sequence[Message], known: Mapping[str, str]) -> dict[str, str]:
    """Ours to theirs, for the calls in a conversation. The server's id goes back where no earlier
    call has it: some number the calls of each reply anew."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for call in (call for message in messages for call in message.tool_calls):
        theirs = known.get(call.id, call.id)
        found[call.id] = call.id if theirs in taken else theirs
        taken.add(found[call.id])
    return found


def message_body(message: Message, ids: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        body["content"] = message.content or None
        body["tool_calls"] = [call_body(call, ids) for call in message.tool_calls]
    if message.role is Role.TOOL:
        body["tool_call_id"] = ids.get(message.call_id or "", message.call_id)
    return body


def call_body(call: ToolCall, ids: Mapping[str, str]) -> dict[str, Any]:
    """Here arguments are a string of JSON."""
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
    return {"id": ids[call.id], "type": "function", "function": function}


def format_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    named = {"name": ANSWER, "strict": is_strict(schema), "schema": dict(schema)}
    return {"type": "json_schema", "json_schema": named}


def is_strict(schema: object) -> bool:
    """Whether every object in it is closed and wants all its keys: strictness is refused else."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    keys = schema.get("properties", {}) if schema.get("type") == "object" else {}
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(keys)
    ):
        return False
    return all(map(is_strict, schema.values()))


@dataclass
class Called:
    """One tool call as its pieces come."""

    id: str = ""
    name: str = ""
    arguments: str | Mapping[str, Any] = ""

    def add(self, piece: Mapping[str, Any]) -> None:
        self.id = self.id or str(piece.get("id") or "")
        function = piece.get("function")
        if not isinstance(function, Mapping):
            return
        self.name = self.name or str(function.get("name") or "")
        arguments = function.get("arguments")
        if isinstance(arguments, Mapping):  # some send the object itself
            self.arguments = arguments
        elif arguments and isinstance(self.arguments, str):
            self.arguments += str(arguments)


class Answer:
    """The events of one answer, put together as they come. What is thought is left out."""

    def __init__(self, site: Site, on_delta: OnDelta | None) -> None:
        self.calls: list[Called] = []
        self.finish = ""  # the server's reason, once it gave one
        self.is_whole = False
        self._site = site
        self._speech = Speech(on_delta)
        self._places: dict[object, Called] = {}  # by the index that the server gave it
        self._usage: Mapping[str, Any] = {}
        self._size = 0

    @property
    def text(self) -> str:
        return self._speech.text

    def add(self, event: Mapping[str, Any] | None) -> None:
        """Take one event in; None is the last word. Raises the ModelError that it tells of."""
        if event is None:
            self.is_whole = True
            return
        if error := event.get("error"):
            raise self._trouble(error)
        if isinstance(usage := event.get("usage"), Mapping):
            self._usage = usage
        for choice in _objects(event.get("choices"))[:1]:
            self._hear(choice)
        self._bound(event)

    def usage(self, estimated_prompt: int, estimated_completion: int) -> Usage:
        """The server's counts, or an estimate for what it does not count."""
        prompt, completion = (
            self._usage.get(f"{part}_tokens") for part in ("prompt", "completion")
        )
        return Usage(
            prompt if is_count(prompt) else estimated_prompt,
            completion if is_count(completion) else estimated_completion,
            estimated=not is_count(prompt) or not is_count(completion),
        )

    def _trouble(self, error: object) -> ModelError:
        told = self._site.failed(error)
        return BadReply(str(told), raw=self.text) if isinstance(told, BadReply) else told

    def _hear(self, choice: Mapping[str, Any]) -> None:
        """A piece of the answer, or the whole of one, from a server that does not stream."""
        said = choice.get("delta") or choice.get("message")
        if isinstance(said, Mapping):
            for text in (said.get("content"), said.get("refusal")):
                if isinstance(text, str) and text:
                    self._speech.add(text)
            for piece in _objects(said.get("tool_calls")):
                self._place(piece).add(piece)
        if finish := choice.get("finish_reason"):
            self.finish, self.is_whole = finish_of(finish), True

    def _place(self, piece: Mapping[str, Any]) -> Called:
        """The call that a piece belongs to: by its index; some leave that out, and some give each
        call the same, so that another id begins another call."""
        index, id = str(piece.get("index")), str(piece.get("id") or "")
        called = self._places.get(index)
        if called is None or (id and called.id and id != called.id):
            called = self._places[index] = Called()
            self.calls.append(called)
        return called

    def _bound(self, event: Mapping[str, Any]) -> None:
        """Raises ModelUnable for an answer that would not end."""
        self._size += len(str(event.get("choices")))
        if len(self.calls) > MOST_CALLS or self._size > MOST_TEXT * 2:
            raise ModelUnable(f"{self._site.model} at {self._site.server} does not come to an end")


def _objects(value: object) -> list[Mapping[str, Any]]:
    entries: Iterable[object] = value if isinstance(value, list) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]
