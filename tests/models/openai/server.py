"""A server of chat completions over real HTTP that says exactly what it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class End(StrEnum):
    """How an answer ends, after its pieces."""

    CLEAN = "clean"  # the connection is closed in order
    RESET = "reset"
    HANG = "hang"  # nothing more comes, the connection stays


@dataclass(frozen=True)
class Said:
    """One answer: its head, and its pieces as they go out one by one."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    end: End = End.CLEAN


@dataclass
class Asked:
    """One request as it came; `gone` is set when the client has hung up."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Server:
    """`async with Server(Said(...), ...) as server:`; what is said last is said again."""

    def __init__(self, *said: Said) -> None:
        self.said = deque(said)
        self.asked: list[Asked] = []
        self.hold: asyncio.Event | None = None  # answers wait until it is set
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        try:
            asked = await read(reader)
            self.asked.append(asked)
            if self.hold is not None:
                await self.hold.wait()
            await self._answer(reader, writer, asked)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._visits.discard(task)
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked
    ) -> None:
        said = self.said.popleft() if len(self.said) > 1 else self.said[0]
        headers = {"Content-Type": "text/event-stream", "Connection": "close", **said.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {said.status} Said\r\n{lines}\r\n".encode())
        for piece in said.pieces:
            writer.write(piece)
            await writer.drain()
        match said.end:
            case End.RESET:
                writer.transport.abort()
            case End.HANG:
                await reader.read()
                asked.gone.set()


async def read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(body) if body else None)


def event(data: object) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


def delta(finish: str | None = None, **said: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": said, "finish_reason": finish}]})


def usage(prompt: int, completion: int) -> bytes:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return event({"choices": [], "usage": counts})


DONE = event("[DONE]")


def says(text: str, **more: Any) -> Said:
    """A whole streamed answer, a word at a time."""
    words = [delta(content=f"{word} ") for word in text.split(" ")[:-1]]
    last = delta(content=text.split(" ")[-1])
    return Said([*words, last, delta("stop"), usage(7, 5), DONE], **more)


def refuses(status: int, error: object, **headers: str) -> Said:
    body = json.dumps({"error": error}).encode()
    return Said([body], status, {"Content-Type": "application/json", **headers})
