"""A model's server that says something of its own at each path."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Self, overload

from tests.models.openai.server import Asked, End, Said, Server

JSON = {"Content-Type": "application/json"}
HELLO = (
    b'{"message": {"role": "assistant", "content": "hello"}, "done": true, "done_reason": "stop",'
    b' "prompt_eval_count": 5, "eval_count": 3}\n'
)


class Without(Sequence[bytes]):
    """A piece of an answer that comes again and again, until the other side hangs up."""

    def __init__(self, piece: bytes) -> None:
        self.piece = piece

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        return self.piece if isinstance(at, int) else [self.piece]

    def __len__(self) -> int:
        return 1 << 40

    def __iter__(self) -> Iterator[bytes]:
        return itertools.repeat(self.piece)


class Drip:
    """A server that sends a blank now and then, and never ends."""

    def __init__(self) -> None:
        self.address = ""
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._visits)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visits.add(asyncio.current_task())  # type: ignore[arg-type]
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


class Liar(Server):
    """An Ollama that answers well but where it is told something else: by path, a body or Said."""

    def __init__(self, **lies: bytes | Said) -> None:
        """The keys are paths with `_` for their strokes: `api_ps`."""
        super().__init__(Said())
        self.lies: dict[str, bytes | Said] = {
            "api_ps": b'{"models": []}',
            "api_tags": b'{"models": [{"model": "qwen3:8b", "size": 5}]}',
            "api_chat": HELLO,
            "api_generate": b'{"done": true}',
            **lies,
        }

    @property
    def address(self) -> str:
        return self.url.removesuffix("/v1")

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: Asked
    ) -> None:
        lie = self.lies[asked.path.strip("/").replace("/", "_")]
        self.said.clear()
        self.said.append(lie if isinstance(lie, Said) else Said([lie], headers=JSON))
        await super()._answer(reader, writer, asked)


def endless(piece: bytes) -> Said:
    return Said(Without(piece), headers=JSON, end=End.CLEAN)


def line(**said: object) -> bytes:
    """One line of Ollama's stream."""
    return json.dumps(said).encode() + b"\n"
