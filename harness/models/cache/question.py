"""A question as a key: everything that decides what is answered, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.models.port import HOUSE, ChatRequest, Message, Role
from harness.text.fence import has_fence

if TYPE_CHECKING:
    from harness.config.settings import ModelProfile

DECIDED = {"provider", "model", "num_ctx", "temperature", "host", "base_url"}  # by a profile
ASKED = {"ollama", "openai"}  # providers whose answer depends on the question alone


@dataclass(frozen=True)
class Respondent:
    """Who would answer, as far as that decides the answer."""

    provider: str
    identity: str  # the same for profiles that answer alike
    temperature: float | None

    @classmethod
    def of(cls, profile: ModelProfile) -> Respondent:
        identity = json.dumps(profile.model_dump(mode="json", include=DECIDED), sort_keys=True)
        return cls(profile.provider, identity, profile.temperature)


def is_repeatable(who: Respondent, request: ChatRequest) -> bool:
    """Whether asking again would bring the same answer: at temperature 0, and with no tools, for
    what those bring changes."""
    asked = request.temperature if request.temperature is not None else who.temperature
    return asked == 0 and not request.tools and who.provider in ASKED


def key_of(who: Respondent, request: ChatRequest) -> str:
    """Equal where the answer must be: the one asking and the words' author do not matter."""
    return digest(who.identity, wish(request), [written(each) for each in request.messages])


def room_of(who: Respondent, request: ChatRequest) -> str | None:
    """Equal for questions of one agent that differ in the last message alone, by which they can be
    compared; None where that is no question of a session, or holds a stranger's words.

    The house's own questions are long and alike but for a few words that decide (whose request is
    this?), and a stranger could write what lies near a later question."""
    last = request.messages[-1] if request.messages else None
    if last is None or last.role is not Role.USER or request.asker.purpose != HOUSE.purpose:
        return None
    if has_fence(last.content):
        return None
    before = replace(request, messages=request.messages[:-1])
    return f"{request.asker.agent} {key_of(who, before)}"


def wish(request: ChatRequest) -> Sequence[Any]:
    schema = None if request.format is None else dict(request.format)
    return [schema, request.temperature, request.max_tokens]


def written(message: Message) -> Sequence[Any]:
    calls = [[call.id, call.name, dict(call.arguments)] for call in message.tool_calls]
    said = [message.role.value, message.content, message.tool_name, message.failed]
    return [*said, message.call_id, calls]


def digest(*parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
