"""A double of Ollama that takes down what was asked of it, by whom, from when until when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.ollama import OllamaDouble
from tests.doubles.ollama.double import Call
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.runner import Seat
from tests.doubles.ollama.weights import Weights

LOADS = "load"  # what a request without a prompt is for


@dataclass
class Asked:
    """One request that needed a model. Times are the double's monotonic ones."""

    host: str
    path: str  # or `LOADS`
    model: str  # full name
    began: float
    ended: float = float("inf")
    outcome: str = "running"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    load_seconds: float | None = None  # None: it had no seat
    slots: int = 0  # calls of a model at a time, by the settings in force when it came
    life: int = 0  # of the daemon that lived when it came


RUNNING: ContextVar[Asked | None] = ContextVar("asked", default=None)


@dataclass(frozen=True)
class Trouble:
    """A time in which a host was not well, or the daemon was not there."""

    kind: str
    host: str  # empty: all
    began: float
    ended: float


@dataclass
class Record:
    """What all hosts were asked, and when what of them was not as it should be."""

    asked: list[Asked] = field(default_factory=list)
    trouble: list[Trouble] = field(default_factory=list)
    slots: Callable[[str], int] = lambda host: 0
    life: int = 0


class Counted(OllamaDouble):
    """A double with a name, and a record that it shares with others."""

    def __init__(self, name: str, record: Record, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name, self.record = name, record
        self.engine.seat = self._seated(self.engine.seat)  # type: ignore[method-assign]

    async def _answer(self, exchange: Exchange, call: Call) -> None:
        if (path := path_of(call)) is None:
            await super()._answer(exchange, call)
            return
        model = self.find(str(call.body.get("model")))
        name, began = model.full_name if model else "", self.clock.monotonic()
        asked = Asked(self.name, path, name, began)
        asked.slots, asked.life = self.record.slots(self.name), self.record.life
        self.record.asked.append(asked)
        RUNNING.set(asked)
        try:
            await super()._answer(Told(exchange, asked), call)  # type: ignore[arg-type]
            asked.outcome = "done" if call.outcome == "running" else call.outcome
        finally:
            if asked.outcome == "running":
                asked.outcome = "cut"
            asked.ended = self.clock.monotonic()
            self.calls.clear()  # days of them

    def _seated(self, seat: Any) -> Any:
        @asynccontextmanager
        async def seated(
            weights: Weights, options: Mapping[str, Any], keep_alive: float | None
        ) -> AsyncIterator[Seat]:
            async with seat(weights, options, keep_alive) as taken:
                if (asked := RUNNING.get()) is not None:
                    asked.load_seconds = taken.load_seconds
                yield taken

        return seated


class Told:
    """An exchange that reads along: the last line has the tokens."""

    def __init__(self, exchange: Exchange, asked: Asked) -> None:
        self._exchange, self._asked = exchange, asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    async def line(self, body: Any) -> None:
        if isinstance(body, dict) and body.get("done"):
            self._asked.prompt_tokens = body.get("prompt_eval_count", 0)
            self._asked.completion_tokens = body.get("eval_count", 0)
        await self._exchange.line(body)


def path_of(call: Call) -> str | None:
    """What a request is for, if it needs a model."""
    if call.path == "/api/generate" and not call.body.get("prompt"):
        return None if call.body.get("keep_alive") in (0, "0") else LOADS
    if call.path == "/api/embed" and not call.body.get("input"):
        return LOADS
    return call.path if call.path in ("/api/chat", "/api/generate", "/api/embed") else None
