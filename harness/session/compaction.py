"""Making room before the context is full: old tool results first, then a checked summary.

The system prompt and the task never go, a call and its result are never parted, and what
the model has not answered yet stays word for word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, replace

from harness.models.port import (
    Asker,
    BadReply,
    ChatRequest,
    Message,
    PromptTooLong,
    Reply,
    Role,
    estimate_tokens,
)
from harness.session.brief import Limits
from harness.session.steps import Compacted, Reason
from harness.session.stop import Stop
from harness.session.talk import Talk, all_of_it, fit, message_tokens
from harness.session.wording import wording
from harness.text.words import terms

USELESS_TRIES = 2  # summaries that were no use, before no more are asked for
TAIL_SHARE = 0.3  # of the context: the newest messages, which stay word for word
WORTH_SHARE = 0.05  # of the context: less than that is not worth a summary
SUMMARY_SHARE = 1 / 6  # of the context: how long a summary may get
SHARED_TERMS = 3  # a summary has so many words in common with what it replaces


@dataclass(frozen=True)
class Shorter:
    """A shorter conversation, and the step that tells of it."""

    step: Compacted
    messages: tuple[Message, ...]


class Compactor:
    """Proposes shorter forms of one talk. It changes nothing: the session adopts one after
    its step was handed out, so that the summary is stored before the old messages go."""

    def __init__(
        self, context: int, limits: Limits, ask: Callable[[ChatRequest], Awaitable[Reply]]
    ) -> None:
        self.context = context  # tokens of prompt and reply together
        self.limits = limits
        self.ask = ask
        self.urgent = False  # the model said that the prompt is too long
        self.useless = 0

    async def propose(self, talk: Talk) -> Shorter | None:
        """The next shorter form, or None when the talk fits, or nothing more can be done.

        Raises Stop(PROMPT_TOO_LONG) when the model refused the prompt and nothing helps.
        """
        if not self.urgent and talk.tokens <= self.limits.compact_at * self.context:
            return None
        shorter = self._cleared(talk) or await self._summarised(talk)
        if shorter is None and self.urgent:
            detail = f"about {talk.tokens} tokens do not fit into {self.context}"
            raise Stop(Reason.PROMPT_TOO_LONG, detail)
        self.urgent = False
        return shorter

    def _cleared(self, talk: Talk) -> Shorter | None:
        keep = 1 if self.urgent else self.limits.keep_results
        messages = clear_results(talk.messages, keep, talk.filed)
        return self._shorter("results", talk, messages, place=keep)

    async def _summarised(self, talk: Talk) -> Shorter | None:
        tail = 0 if self.urgent else TAIL_SHARE * self.context
        cut = cutting_place(talk.messages, talk.head, tail)
        old = talk.messages[talk.head : cut]
        worth = 1 if self.urgent else WORTH_SHARE * self.context
        if message_tokens(old) < worth or only_told(old):
            return None
        while self.useless < USELESS_TRIES:
            summary = await self._summary(talk, old)
            messages = summarised(talk.messages, talk.head, cut, summary)
            shorter = self._shorter("summary", talk, messages, summary, place=cut)
            if shorter is not None and fault_of_summary(summary, old) is None:
                self.useless = 0
                return shorter
            self.useless += 1
        return None

    async def _summary(self, talk: Talk, old: Sequence[Message]) -> str:
        """What the model writes; empty when it cannot."""
        try:
            reply = await self.ask(self._question(talk, old))
        except (BadReply, PromptTooLong):
            return ""
        return reply.message.content.strip()

    def _question(self, talk: Talk, old: Sequence[Message]) -> ChatRequest:
        room = int(self.context * (self.limits.compact_at - SUMMARY_SHARE))
        task = fit(talk.messages[talk.head - 1].content, room // 2)
        record = fit(written_out(old), room - estimate_tokens(task))
        return ChatRequest(
            (
                Message(Role.SYSTEM, wording("compact")),
                Message(Role.USER, f"# Task\n\n{task}\n\n# Record\n\n{record}"),
            ),
            max_tokens=int(self.context * SUMMARY_SHARE),
            asker=Asker(purpose="summary"),
        )

    def _shorter(
        self,
        kind: str,
        talk: Talk,
        messages: tuple[Message, ...],
        text: str = "",
        *,
        place: int,
    ) -> Shorter | None:
        before, after = talk.tokens, talk.size(messages)
        if after >= before:
            return None
        return Shorter(Compacted(kind, before, after, text, place), messages)


def made_shorter(talk: Talk, step: Compacted) -> tuple[Message, ...]:
    """The messages of a talk after a step that an earlier attempt took."""
    if step.kind == "results":
        return clear_results(talk.messages, step.place, talk.filed)
    return summarised(talk.messages, talk.head, step.place, step.text)


def clear_results(messages: Sequence[Message], keep: int, filed: Set[str]) -> tuple[Message, ...]:
    """All but the newest `keep` tool results as one line each, where that is shorter.

    `filed` are the calls whose whole result lies in a file. Results that the model has
    not answered yet are left alone.
    """
    seen = unanswered_from(messages)
    results = [place for place, message in enumerate(messages) if message.role is Role.TOOL]
    old = {place for place in results[: max(len(results) - keep, 0)] if place < seen}
    return tuple(
        cleared(message, filed) if place in old else message
        for place, message in enumerate(messages)
    )


def cleared(message: Message, filed: Set[str]) -> Message:
    call_id = message.call_id or ""
    where = f"; {all_of_it(call_id)}" if call_id in filed else ""
    line = f"[cleared: {len(message.content):,} characters of an older result{where}]"
    return replace(message, content=line) if len(line) < len(message.content) else message


def unanswered_from(messages: Sequence[Message]) -> int:
    """Where the part begins that the model has not answered yet: at its last reply, whose
    calls' results it has not seen."""
    spoken = [place for place, message in enumerate(messages) if message.role is Role.ASSISTANT]
    return spoken[-1] if spoken else len(messages)


def cutting_place(messages: Sequence[Message], head: int, tail_tokens: float) -> int:
    """Where the old part ends: the newest messages of `tail_tokens` stay, and at least what
    the model has not answered yet; a call and its results stay on one side."""
    latest = max(unanswered_from(messages), head)
    place, tokens = len(messages), 0
    while place > head:
        tokens += message_tokens((messages[place - 1],))
        if tokens > tail_tokens:
            break
        place -= 1
    while place < len(messages) and messages[place].role is Role.TOOL:
        place += 1
    return min(place, latest)


def only_told(messages: Sequence[Message]) -> bool:
    """Whether there is nothing to sum up but what people said, or an earlier summary."""
    return all(message.role is Role.USER for message in messages)


def summarised(
    messages: Sequence[Message], head: int, cut: int, summary: str
) -> tuple[Message, ...]:
    """The conversation with the messages from `head` to `cut` replaced by their summary."""
    text = wording("summary", count=cut - head, summary=summary)
    return (*messages[:head], Message(Role.USER, text), *messages[cut:])


def fault_of_summary(summary: str, old: Sequence[Message]) -> str | None:
    """Why this summary must not replace those messages, or None.

    It must say something, be shorter, and be about them: an apology shares no words.
    """
    if not summary:
        return "it is empty"
    if estimate_tokens(summary) >= message_tokens(old):
        return "it is not shorter than what it replaces"
    record = terms(written_out(old))
    shared = terms(summary) & record
    if len(shared) < min(SHARED_TERMS, len(record)):
        return "it has hardly a word in common with what it replaces"
    return None


def written_out(messages: Sequence[Message]) -> str:
    """Messages as plain text, for the model that sums them up."""
    return "\n\n".join(_paragraph(message) for message in messages)


def _paragraph(message: Message) -> str:
    calls = [f"[calls {call.name} {dict(call.arguments)}]" for call in message.tool_calls]
    speaker = f"tool {message.tool_name}" if message.role is Role.TOOL else str(message.role)
    return "\n".join(part for part in (f"## {speaker}", message.content, *calls) if part)
