"""Server-sent events (html.spec.whatwg.org, section 9.2), as far as an answer is made of them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from harness.models.bounds import LONGEST_LINE, TooMuch, lines

DONE = "[DONE]"  # what OpenAI's protocol says last

Event = dict[str, Any]


class NotTheProtocol(ValueError):
    """What came is no stream of objects."""


async def events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event | None, None]:
    """The objects of a stream as they come; None is its last word. Raises NotTheProtocol, and
    TooMuch for what does not end."""
    data: list[str] = []
    size = 0
    async for line in lines(chunks):
        if not line and data:
            yield parsed("\n".join(data))
            data, size = [], 0
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
            size += len(line)
        elif name == "error":  # of older llama.cpp
            yield {"error": parsed(value)}
        if size > LONGEST_LINE:
            raise TooMuch(f"an event is longer than {LONGEST_LINE} bytes")
    if data:  # some leave the empty line out where nothing follows
        yield parsed("\n".join(data))


def parsed(text: str) -> Event | None:
    """One event's object; None for the last word. Raises NotTheProtocol."""
    if text.strip() == DONE:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NotTheProtocol("an event is no JSON") from None
    if not isinstance(value, dict):
        raise NotTheProtocol("an event is no object")
    return value
