"""What a model's server may send at most: one that never ends must not fill the memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

import httpx

LONGEST_LINE = 8 * 1024 * 1024  # bytes
LONGEST_STREAM = 256 * 1024 * 1024  # bytes of one answer, with all that its server wraps it in
LONGEST_WHOLE = 32 * 1024 * 1024  # bytes of what comes in one piece: vectors, lists of models
LONGEST_ERROR = 64 * 1024  # bytes that are read of an error
MOST_CALLS = 128  # tool calls of one reply
MOST_TEXT = 8 * 1024 * 1024  # characters of one reply


class TooMuch(ValueError):
    """More came than any honest answer has."""


async def lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    """The lines of a stream, ended by any of the three ends there are. Raises TooMuch."""
    line: list[bytes] = []  # what has come of it; size counts its bytes
    size, held = 0, b""
    async for chunk in within(LONGEST_STREAM, chunks):
        text = held + chunk
        held = b"\r" if text.endswith(b"\r") else b""  # the other half of an end may follow
        text = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, last = text.split(b"\n")
        for end in whole:
            yield b"".join([*line, end]).decode("utf-8", "replace")
            line, size = [], 0
        line.append(last)
        size += len(last)
        if size > LONGEST_LINE:
            raise TooMuch(f"a line is longer than {LONGEST_LINE} bytes")
    if rest := b"".join(line):
        yield rest.decode("utf-8", "replace")


async def within(most: int, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks as they come. Raises TooMuch once they are more than `most` bytes."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise TooMuch(f"an answer is longer than {most} bytes")
        yield chunk


async def beginning(response: httpx.Response, limit: int) -> bytes:
    """The first `limit` bytes of a body, and a little more."""
    body, size = list[bytes](), 0
    async for chunk in response.aiter_bytes():
        body.append(chunk)
        size += len(chunk)
        if size >= limit:
            break
    return b"".join(body)
