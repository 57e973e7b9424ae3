"""The least of HTTP/1.1 that a model server needs: requests in, whole or chunked answers out.

A client that hangs up cancels the handler at once, as the real server does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

LIMIT = 64 * 1024 * 1024
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class Exchange:
    """One request and the way to answer it."""

    def __init__(self, method: str, path: str, raw: bytes, writer: asyncio.StreamWriter) -> None:
        self.method = method
        self.path = path
        self.raw = raw
        self._writer = writer
        self.streaming = False

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.raw)

    async def send(self, status: int, body: Any) -> None:
        """A whole JSON answer."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/plain" if isinstance(body, bytes) else "application/json; charset=utf-8"
        self._head(status, f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n")
        self._writer.write(content)
        await self._writer.drain()

    def start(self, kind: str = "application/x-ndjson") -> None:
        """Begin a chunked answer."""
        self.streaming = True
        self._head(200, f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n")

    async def line(self, body: Any) -> None:
        """One line of a chunked answer: JSON, or bytes as they are."""
        if not self.streaming:
            self.start()
        content = (body if isinstance(body, bytes) else json.dumps(body).encode()) + b"\n"
        self._writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self._writer.drain()

    async def end(self) -> None:
        """The clean end of a chunked answer."""
        if not self.streaming:
            self.start()
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def drop(self) -> None:
        """Break the connection off."""
        self._writer.transport.abort()

    def _head(self, status: int, headers: str) -> None:
        reason = REASONS.get(status, "Status")
        self._writer.write(f"HTTP/1.1 {status} {reason}\r\n{headers}\r\n".encode())


Handler = Callable[[Exchange], Awaitable[None]]


class HttpServer:
    """Listens on loopback and hands every request to one handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0  # opened so far

    @property
    def open(self) -> int:
        return len(self._tasks)

    @property
    def is_closed(self) -> bool:
        return self._server is None or not self._server.is_serving()

    async def start(self, port: int = 0) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _protocol(self) -> _Connection:
        reader = asyncio.StreamReader(limit=LIMIT)
        return _Connection(reader, self._serve)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        protocol = writer.transport.get_protocol()
        assert isinstance(protocol, _Connection)
        protocol.task = task

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.transport.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                request, *headers = head.split("\r\n")
                method, path, _ = request.split(" ", 2)
                raw = await reader.readexactly(_length(headers))
                await self._handler(Exchange(method, path, raw, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done, or went away
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()


class _Connection(asyncio.StreamReaderProtocol):
    """Streams, except that losing the client cancels whoever answers it."""

    task: asyncio.Task[None] | None = None

    def eof_received(self) -> bool:
        super().eof_received()
        return False  # close the transport: a client that hung up reads nothing more

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.task is not None:
            self.task.cancel()


def _length(headers: list[str]) -> int:
    for header in headers:
        name, _, value = header.partition(":")
        if name.strip().lower() == "content-length":
            return int(value)
    return 0
