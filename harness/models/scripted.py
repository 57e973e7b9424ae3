"""A model that says what it was told to say: for tests, demos, and a crew without a GPU.

A turn is a text, a tool call or several, a whole `Message` or `Reply`, an error to raise, or one
of these as plain data:

    - text: Reading the feeds.
      calls: [{name: rss, arguments: {source: all}}]
    - text: Nothing new today.
      finish: stop
    - error: unavailable            # unavailable | missing | too_long | bad_reply | refused
      message: the server is away
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from harness.config.yaml_text import load_yaml
from harness.errors import UsageError
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelMissing,
    ModelUnavailable,
    OnDelta,
    PromptTooLong,
    Reply,
    Role,
    ToolCall,
    Usage,
    estimate_prompt,
    estimate_tokens,
)
from harness.models.toolcalls import arguments_object

FORM = "a text, or a mapping with `text`, `calls` (each `name`, `arguments`), or `error`"
Turn = str | Message | Reply | ToolCall | Sequence[ToolCall] | Mapping[str, Any] | ModelError
Script = Callable[[ChatRequest], Turn | Awaitable[Turn]]


class ScriptedModel:
    """Plays its turns in order, or asks a function for each.

    `requests` keeps what it was asked. Usage is estimated. A script that has run out raises a
    ModelError: the session asked more often than was foreseen.
    """

    def __init__(
        self,
        script: Sequence[Turn] | Script,
        *,
        name: str = "scripted/script",
        context_tokens: int = 32_768,
        unusable: str | None = None,
    ) -> None:
        self.requests: list[ChatRequest] = []
        self._script = script
        self._name = name
        self._context_tokens = context_tokens
        self._unusable = unusable  # what `probe` says

    @classmethod
    def load(cls, path: Path) -> ScriptedModel:
        """The script in a YAML file: a list of turns. Raises UsageError."""
        try:
            _, turns = load_yaml(path.read_text(encoding="utf-8"))
        except (OSError, YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from error
        if not isinstance(turns, list):
            raise UsageError(f"{path} holds no script: a list of turns is wanted")
        for number, turn in enumerate(turns, start=1):
            if not is_turn(turn):
                raise UsageError(f"{path}: turn {number} is none", hint=FORM)
        return cls(turns, name=f"scripted/{path.stem}")

    @property
    def name(self) -> str:
        return self._name

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        self.requests.append(request)
        turn = await self._next(request)
        reply = self._reply(turn, request)
        if on_delta is not None and reply.message.content:
            on_delta(reply.message.content)
        return reply

    async def probe(self) -> str | None:
        return self._unusable

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _next(self, request: ChatRequest) -> Turn:
        number = len(self.requests)
        if callable(self._script):
            turn = self._script(request)
            return await turn if inspect.isawaitable(turn) else turn
        if number > len(self._script):
            raise ModelError(
                f"{self._name} has only {len(self._script)} turns; turn {number} was asked for"
            )
        return self._script[number - 1]

    def _reply(self, turn: Turn, request: ChatRequest) -> Reply:
        match turn:
            case ModelError():
                raise turn
            case Reply():
                return turn
            case Message():
                return self._said(turn, request)
            case str():
                return self._said(Message(Role.ASSISTANT, turn), request)
            case ToolCall():
                return self._said(Message(Role.ASSISTANT, "", [turn]), request)
            case Mapping():
                return self._from_data(turn, request)
            case _:
                return self._said(Message(Role.ASSISTANT, "", list(turn)), request)

    def _from_data(self, turn: Mapping[str, Any], request: ChatRequest) -> Reply:
        if "error" in turn:
            raise error_of(turn)
        calls = [
            ToolCall(
                str(call.get("id", f"call-{len(self.requests)}-{index}")),
                str(call["name"]),
                dict(call.get("arguments") or {}),
            )
            for index, call in enumerate(turn.get("calls") or (), start=1)
        ]
        message = Message(Role.ASSISTANT, str(turn.get("text") or ""), calls)
        return self._said(message, request, finish=str(turn.get("finish", "stop")))

    def _said(self, message: Message, request: ChatRequest, finish: str = "stop") -> Reply:
        completion = estimate_tokens(message.content) + sum(
            estimate_tokens(f"{call.name}{dict(call.arguments)}") for call in message.tool_calls
        )
        usage = Usage(estimate_prompt(request), completion, estimated=True)
        return Reply(message, usage, self._name, finish=finish)


def is_turn(value: object) -> bool:
    """Whether plain data says one turn: a text, calls, or an error."""
    if isinstance(value, str):
        return True
    if not isinstance(value, Mapping):
        return False
    calls = value.get("calls") or []
    return isinstance(calls, list) and all(map(is_call, calls))


def is_call(value: object) -> bool:
    if not isinstance(value, Mapping) or "name" not in value:
        return False
    return arguments_object(value.get("arguments")) is not None


def error_of(turn: Mapping[str, Any]) -> ModelError:
    """The error that a turn of plain data names. Raises UsageError for a name unknown."""
    message = str(turn.get("message") or f"scripted: {turn['error']}")
    match turn["error"]:
        case "unavailable":
            return ModelUnavailable(message)
        case "missing":
            return ModelMissing(message)
        case "too_long":
            return PromptTooLong(message)
        case "bad_reply":
            return BadReply(message, raw=str(turn.get("text") or ""))
        case "refused":
            return ModelError(message)
        case other:
            raise UsageError(
                f"a script knows no error {other!r}",
                hint="unavailable, missing, too_long, bad_reply or refused",
            )
