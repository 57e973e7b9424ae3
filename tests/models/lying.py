"""A model's server that says something of its own at each path."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import overload

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
