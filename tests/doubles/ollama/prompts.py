"""How the server counts a prompt, and how it cuts one that is too long: without a word."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Wire = Mapping[str, Any]  # a message as it is sent


class TooLong(Exception):
    """The prompt overflows, and the client asked not to truncate."""


def count(text: str) -> int:
    """Tokens, in the double's own coin: a token is four characters."""
    return (len(text) + 3) // 4


def prompt_tokens(messages: Sequence[Wire], tools: Sequence[Wire]) -> int:
    texts = [str(message.get("content") or "") for message in messages]
    texts += [json.dumps(message["tool_calls"]) for message in messages if "tool_calls" in message]
    texts += [json.dumps(tool) for tool in tools]
    return sum(count(text) for text in texts)


def rendered(messages: Sequence[Wire], tools: Sequence[Wire]) -> str:
    """The prompt as the model reads it, up to where its own words begin."""
    parts = [json.dumps(tool) for tool in tools]
    for message in messages:
        calls = json.dumps(message["tool_calls"]) if "tool_calls" in message else ""
        parts.append(f"<{message.get('role')}>{message.get('content') or ''}{calls}")
    return "".join([*parts, "<assistant>"])


def fit(
    messages: Sequence[Wire], tools: Sequence[Wire], context: int, truncate: bool
) -> tuple[list[Wire], int]:
    """The messages that the model sees, and their tokens. Raises TooLong.

    The oldest that are not of the system go first, the last always stays; when the last alone is
    too long, its tail is kept, as much as half the window holds.
    """
    kept = list(messages)
    if prompt_tokens(kept, tools) > context and not truncate:
        raise TooLong
    while prompt_tokens(kept, tools) > context and (oldest := _oldest_to_go(kept)) is not None:
        del kept[oldest]
    tokens = prompt_tokens(kept, tools)
    if tokens > context and kept:
        tail = str(kept[-1].get("content") or "")[-2 * context :]
        kept[-1] = {**kept[-1], "content": tail}
        tokens = min(prompt_tokens(kept, tools), context)
    return kept, tokens


def _oldest_to_go(messages: Sequence[Wire]) -> int | None:
    for at, message in enumerate(messages[:-1]):
        if message.get("role") != "system":
            return at
    return None
