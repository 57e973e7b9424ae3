"""The conversation of one session, with a running estimate of its size in tokens."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from harness.models.port import (
    ChatRequest,
    Message,
    Role,
    ToolSpec,
    Usage,
    estimate_prompt,
    estimate_tokens,
)
from harness.tools.tool import ToolResult

SAID_CHARS = 500  # of one tool result, where results stand in for an answer
SAID_RESULTS = 5


class Talk:
    """Grows at its end only, so that a model server's prefix cache holds; `adopt` excepted.

    The first messages, `head` of them, are the system prompt and the task: they always stay.
    """

    def __init__(self, system: str, opening: str, specs: Sequence[ToolSpec]) -> None:
        self.specs = specs
        self.messages: list[Message] = []
        self.filed: set[str] = set()  # calls whose whole result lies in a file
        self.said = ""  # the model's latest words
        self._findings: deque[str] = deque(maxlen=SAID_RESULTS)
        self._tool_tokens = estimate_prompt(ChatRequest((), tools=specs))
        self._tokens = self._tool_tokens
        self._asked_tokens = self._tokens
        self._scale = 1.0
        if system:
            self._add(Message(Role.SYSTEM, system))
        self._add(Message(Role.USER, opening))
        self.head = len(self.messages)

    @property
    def tokens(self) -> int:
        """How large the next prompt is, by estimate and what the server counted before."""
        return round(self._tokens * self._scale)

    def unscaled(self, tokens: int) -> int:
        """How long a text may be, by estimate, to add at most `tokens` to the prompt."""
        return int(tokens / self._scale)

    def size(self, messages: Sequence[Message]) -> int:
        """What `tokens` would be with these messages."""
        return round((self._tool_tokens + message_tokens(messages)) * self._scale)

    def request(self, *, tools: bool = True) -> ChatRequest:
        """The next question to the model."""
        self._asked_tokens = self._tokens
        return ChatRequest(tuple(self.messages), tools=self.specs if tools else ())

    def tell(self, text: str) -> None:
        """Somebody speaks to the model."""
        self._add(Message(Role.USER, text))

    def reply(self, message: Message) -> None:
        self._add(message)
        if message.content.strip():
            self.said = message.content

    def learn(self, usage: Usage) -> None:
        """Correct the estimate by what the server counted; downwards it is not trusted."""
        if usage.prompt and not usage.estimated:
            self._scale = min(max(usage.prompt / max(self._asked_tokens, 1), 1.0), 2.0)

    def answer(self, result: ToolResult, room: int) -> None:
        """A call's result, in at most about `room` tokens."""
        if result.file is not None:
            self.filed.add(result.call_id)
        if result.ok and result.text.strip():
            self._findings.append(f"{result.name}: {clip(result.text, SAID_CHARS)}")
        text = fit(result.text, room)
        if result.file is not None and text != result.text:  # its own pointer is cut off too
            text += f"\n[{all_of_it(result.call_id)}]"
        self._add(Message(Role.TOOL, text, call_id=result.call_id, tool_name=result.name))

    def adopt(self, messages: Sequence[Message]) -> None:
        """Go on with a shorter conversation."""
        self.messages = list(messages)
        self._tokens = self._tool_tokens + message_tokens(messages)

    def known(self) -> str:
        """For want of an answer: the model's latest words and what tools found last."""
        return "\n\n".join([*([self.said] if self.said else []), *self._findings])

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._tokens += message_tokens((message,))


def message_tokens(messages: Sequence[Message]) -> int:
    return estimate_prompt(ChatRequest(messages))


def all_of_it(call_id: str) -> str:
    """How the model gets at a result that lies in a file (harness/tools/read_result.py)."""
    return f'read_result(id="{call_id}") gives all of it in parts'


def fit(text: str, tokens: int) -> str:
    """`text` cut to about that many tokens; the cut is said in words."""
    needed = estimate_tokens(text)
    return text if needed <= tokens else clip(text, len(text) * tokens // needed)


def clip(text: str, limit: int) -> str:
    """The first `limit` characters; the cut is said in words."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: {len(text) - limit:,} of {len(text):,} characters not shown]"
