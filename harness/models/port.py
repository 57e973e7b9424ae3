"""The port of every model: messages in, one reply out, and a small family of errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from harness.config.priority import Priority as Priority
from harness.errors import HarnessError
from harness.text.surrogates import whole, whole_json
from harness.text.tokens import CHARS_PER_TOKEN as CHARS_PER_TOKEN
from harness.text.tokens import estimate_tokens as estimate_tokens


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True)
class ToolCall:
    """One call that the model asks for. `id` is ours and unique within the session.

    Like a Message, it holds no half of a surrogate pair: it goes on to files and to HTTP.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", whole(self.name))
        object.__setattr__(self, "arguments", whole_json(self.arguments))


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str
    tool_calls: Sequence[ToolCall] = ()  # of an assistant
    call_id: str | None = None  # of a tool: which call it answers
    tool_name: str | None = None  # of a tool
    failed: bool = False  # of a tool: what it says is why it failed

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", whole(self.content))


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema of type object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Asker:
    """On whose behalf a model is asked: decides whose turn it is, and whose account pays."""

    agent: str = "harness"  # the house itself, where no agent asks
    task: str | None = None
    priority: Priority = Priority.P1
    purpose: str = "session"  # session, reflect, route, embed, prefetch, ...: one word for records


HOUSE = Asker()


@dataclass(frozen=True)
class ChatRequest:
    """What a model is asked."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    format: Mapping[str, Any] | None = None  # a JSON schema that the reply must obey
    temperature: float | None = None
    max_tokens: int | None = None
    asker: Asker = HOUSE


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the server counted them, or an estimate where it did not."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False


@dataclass(frozen=True)
class Reply:
    """What came back. `finish` is the server's reason: stop, length, ..."""

    message: Message
    usage: Usage
    model: str  # what really served it, as provider/model
    degraded: bool = False  # a fallback, or no language model at all
    because: str = ""  # of a fallback: why the wanted model did not answer
    finish: str = "stop"
    # seconds: queue (in our own line), load, prompt, eval, total
    timings: Mapping[str, float] = field(default_factory=dict)
    host: str = ""  # the name of the server that answered; empty where there is none
    cached: bool = False  # given before to the same question; nothing was asked of a model
    why: str = ""  # why it was this host's turn now, as the pool says it
    saved: Usage = Usage()  # of a cached one: what it took when it was made


# gets text as it streams in; None: what came so far is void, the answer begins anew
OnDelta = Callable[[str | None], None]


class Model(Protocol):
    """Something that answers. It never retries by itself; it says precisely what failed."""

    @property
    def name(self) -> str:
        """`provider/model`, for records and for people."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and reply may have together."""
        ...

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises a ModelError; cancelling closes the connection at once."""
        ...

    async def probe(self) -> str | None:
        """None when the model can be used now, else the reason why not, for a person."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


class ModelError(HarnessError):
    """A call failed in a way that another try will not mend."""


class ModelUnavailable(ModelError):
    """The server is away, busy, slow or broke off: worth another try, or a fallback."""


class ModelBusy(ModelUnavailable):
    """The server has no room for the call now; in a moment it may.

    `after`: seconds until then, where it said so.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class ModelUnable(ModelError):
    """The model lacks what the request needs, such as tools: another model may have it."""


class PromptTooLong(ModelError):
    """The prompt does not fit the context; the session must compact."""


class ModelMissing(ModelUnavailable):
    """The server is there and the model is not: pull it, or fall back."""


class OverLimit(ModelError):
    """The account has no room for the call: nothing was asked. Says which limit, of whom, and
    when there is room again."""


class BadReply(ModelError):
    """The model wrote something that cannot be read, such as half a tool call.

    `raw` is what it wrote, so that a repair turn can show it.
    """

    def __init__(self, message: str, raw: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.raw = raw


_PER_MESSAGE = 4  # tokens that a chat template spends on a role and its marks


def estimate_prompt(request: ChatRequest) -> int:
    """A guess at the tokens of everything in the request: messages, calls and tools."""
    tokens = _PER_MESSAGE * len(request.messages)
    for message in request.messages:
        tokens += estimate_tokens(message.content)
        for call in message.tool_calls:
            tokens += estimate_tokens(call.name) + estimate_tokens(json.dumps(dict(call.arguments)))
    for tool in request.tools:
        tokens += estimate_tokens(tool.name) + estimate_tokens(tool.description)
        tokens += estimate_tokens(json.dumps(dict(tool.parameters)))
    return tokens
