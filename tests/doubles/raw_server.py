"""A server that answers with exactly the bytes it is told, as no decent one would."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Self

# what was asked, up to the end of its head; what comes back, piece by piece
Script = Callable[[bytes], AsyncIterator[bytes]]


class RawServer:
    """`async with RawServer(script) as server:`"""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.tls = tls
        self.asked: list[bytes] = []  # heads
        self.sent = 0  # bytes
        self.port = 0
        self._server: asyncio.Server | None = None
        self.visits: set[asyncio.Task[None]] = set()  # connections that are open

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0, ssl=self.tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for visit in list(self.visits):
            visit.cancel()
        await asyncio.gather(*self.visits, return_exceptions=True)

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{path}"

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.visits.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head)
            async for piece in self.script(head):
                writer.write(piece)
                await writer.drain()
                self.sent += len(piece)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is done with it
        finally:
            self.visits.discard(task)
            writer.close()
