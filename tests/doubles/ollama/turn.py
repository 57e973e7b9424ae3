"""One generation: how long it takes, and the lines that it is told in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama.answers import Answer
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import count
from tests.doubles.ollama.runner import Seat

if TYPE_CHECKING:
    from tests.doubles.ollama.double import Call, OllamaDouble


class Dialect(StrEnum):
    """Where the text stands in a line."""

    CHAT = "message"
    GENERATE = "response"


@dataclass
class Turn:
    """Everything that one generation needs to know."""

    double: OllamaDouble
    exchange: Exchange
    call: Call
    dialect: Dialect
    answer: Answer
    began: float
    seat: Seat | None = None  # None: nothing is generated, the model was loaded or unloaded
    load_seconds: float = 0.0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    eval_seconds: float = 0.0

    async def read(self, prompt: str) -> None:
        """Take as long as the prompt takes."""
        seconds = self.answer.first_after
        seconds += self.seat.read(prompt) if self.seat else 0.0
        self.prompt_seconds = seconds
        await self.double.clock.sleep(seconds)

    async def write(self, text: str, seconds: float = 0.0) -> None:
        """Take as long as the text takes, and `seconds` more."""
        seconds += self.seat.write(text) if self.seat else 0.0
        self.eval_seconds += seconds
        if seconds:
            await self.double.clock.sleep(seconds)

    def line(self, done: bool, **message: Any) -> dict[str, Any]:
        content = message.pop("content", "")
        body: dict[str, Any] = {
            "model": self.call.body["model"],
            "created_at": rfc3339(self.double.clock.now()),
        }
        if self.dialect is Dialect.CHAT:
            body["message"] = {"role": "assistant", "content": content, **message}
        else:
            body |= {"response": content, **message}
        return body | {"done": done}

    def last_line(self) -> dict[str, Any]:
        """The done line; as the server does, it leaves out what is zero."""
        answer, now = self.answer, self.double.clock.monotonic()
        written = "".join([answer.thinking, answer.text, *map(json.dumps, answer.calls)])
        figures = {
            "total_duration": nanoseconds(now - self.began),
            "load_duration": nanoseconds(self.load_seconds),
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": nanoseconds(self.prompt_seconds),
            "eval_count": count(written),
            "eval_duration": nanoseconds(self.eval_seconds),
        }
        kept = {name: value for name, value in figures.items() if value}
        return self.line(True) | {"done_reason": answer.done_reason} | kept


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def rfc3339(moment: datetime) -> str:
    """Nanoseconds and Z, as Go writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
