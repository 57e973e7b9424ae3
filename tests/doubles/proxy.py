"""A proxy on loopback: it remembers whom it was to connect with, and reaches what it is told to.

With it in between, public addresses can be asked in a test, and nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy:
    """`async with Proxy({"93.184.216.34:80": server.port}) as proxy:`

    A place that is not in the table gets a 502. `answer` replaces what it says to everybody; None
    is silence.
    """

    def __init__(self, table: Mapping[str, int] | None = None, answer: bytes | None = b"") -> None:
        self.table = dict(table or {})
        self.answer = answer
        self.heads: list[str] = []  # as they came in
        self.port = 0
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The places that it was to connect with, in order."""
        return [head.split(" ")[1] for head in self.heads]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        try:
            await self._visit(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is done with it
        finally:
            self._visits.discard(task)
            writer.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        if self.answer is None:
            await reader.read()
            return
        behind = self.table.get(head.split(" ")[1])
        if self.answer or behind is None:
            writer.write(self.answer or BAD_GATEWAY)
            await writer.drain()
            return
        writer.write(CONNECTED)
        near, far = await asyncio.open_connection("127.0.0.1", behind)
        try:
            await asyncio.gather(pump(reader, far), pump(near, writer))
        finally:
            far.close()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(65536):
        sink.write(piece)
        await sink.drain()
    sink.close()
