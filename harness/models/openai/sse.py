"""Server-sent events (html.spec.whatwg.org, section 9.2), as far as an answer is made of them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

LONGEST_EVENT = 8 * 1024 * 1024  # bytes; a server that never ends one must not fill the memory
DONE = "[DONE]"  # what OpenAI's protocol says last

Event = dict[str, Any]


class NotTheProtocol(ValueError):
    """What came is no stream of objects."""


async def events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event | None, None]:
    """The objects of a stream as they come; None is its last word. Raises NotTheProtocol."""
    data: list[str] = []
    async for line in lines(chunks):
        if not line and data:
            yield parsed("\n".join(data))
            data = []
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif name == "error":  # of older llama.cpp
            yield {"error": parsed(value)}
    if data:  # some leave the empty line out where nothing follows
        yield parsed("\n".join(data))


async def lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The lines of a stream, ended by any of the three ends there are."""
    line: list[bytes] = []  # what has come of it; size counts its bytes
    size, held = 0, b""
    async for chunk in chunks:
        text = held + chunk
        held = b"\r" if text.endswith(b"\r") else b""  # the other half of an end may follow
        text = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, last = text.split(b"\n")
        for end in whole:
            yield b"".join([*line, end]).decode("utf-8", "replace")
            line, size = [], 0
        line.append(last)
        size += len(last)
        if size > LONGEST_EVENT:
            raise NotTheProtocol(f"an event is longer than {LONGEST_EVENT} bytes")
    if rest := b"".join(line):
        yield rest.decode("utf-8", "replace")


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
