"""The server itself: what it holds, what it was asked, and which route answers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from harness.clock import Clock, SystemClock
from tests.doubles.ollama import catalogue, chat, completions
from tests.doubles.ollama.answers import Answer, Load, Trouble
from tests.doubles.ollama.engine import Engine, Rules, Weights
from tests.doubles.ollama.http import Exchange, HttpServer
from tests.doubles.ollama.turn import Dialect

Answers = Callable[[Mapping[str, Any]], Answer]


@dataclass
class Call:
    """One request as the server got it."""

    path: str
    body: Mapping[str, Any]
    seen: Sequence[Mapping[str, Any]] = field(default=())  # messages left after truncation
    outcome: str = "running"  # then: done, cancelled, or a fault


def echo(body: Mapping[str, Any]) -> Answer:
    """What an unscripted model says: the last message back."""
    messages = body.get("messages") or [{"content": body.get("prompt", "")}]
    return Answer(f"You said: {messages[-1].get('content', '')}")


class OllamaDouble:
    """A server on loopback. Use it as an async context manager.

    `say` queues answers for a model (or for any); with none queued, `answers` is asked. `calls`
    holds every request, `engine.journal` every load and unload.

    What goes wrong is chosen for each call: in its answer (`Fault`, or a status); for requests of
    any kind before they are looked at, by `spoil` or a `trouble` of your own; for loads, by
    `spoil_load`. Nobody gets through at all from `away` until `back`. What it tells of the models
    in memory is what `told` makes of the truth.
    """

    def __init__(
        self,
        models: Sequence[Weights | str] = ("qwen3:8b",),
        *,
        rules: Rules | None = None,
        clock: Clock | None = None,
        answers: Answers = echo,
        port: int = 0,
    ) -> None:
        known = [model if isinstance(model, Weights) else Weights(model) for model in models]
        self.weights = {model.full_name: model for model in known}
        self.rules = rules or Rules()
        self.clock = clock or SystemClock()
        self.engine = Engine(self.rules, self.clock)
        self.answers = answers
        self.calls: list[Call] = []
        self.trouble: Callable[[Call], Trouble | None] = lambda _: None
        self.told: Callable[[dict[str, Any]], Any] = lambda truth: truth
        self._spoiled: dict[str, deque[Trouble | None]] = {}
        self._loads: dict[str, deque[Load]] = {}
        self.engine.fate = self._fate
        self._scripts: dict[str | None, deque[Answer]] = {}
        self._http = HttpServer(self._handle)
        self._port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        """TCP connections that clients have opened."""
        return self._http.connections

    @property
    def open_connections(self) -> int:
        """Those that are open now."""
        return self._http.open

    @property
    def chats(self) -> list[Mapping[str, Any]]:
        """The bodies sent to /api/chat."""
        return [call.body for call in self.calls if call.path == "/api/chat"]

    def say(self, *answers: Answer | str, model: str | None = None) -> None:
        """Queue answers, for one model or for whichever is asked next."""
        texts = (Answer(answer) if isinstance(answer, str) else answer for answer in answers)
        self._scripts.setdefault(model, deque()).extend(texts)

    def next_answer(self, body: Mapping[str, Any]) -> Answer:
        for model in (str(body.get("model")), None):
            if script := self._scripts.get(model):
                return script.popleft()
        return self.answers(body)

    def spoil(self, path: str, *troubles: Trouble | None) -> None:
        """What befalls the next requests of that path; None: that one is spared."""
        self._spoiled.setdefault(path, deque()).extend(troubles)

    def spoil_load(self, model: str, *fates: Load) -> None:
        """What becomes of the next loads of a model, explicit ones and those of calls."""
        self._loads.setdefault(model, deque()).extend(fates)

    async def away(self) -> None:
        """Refuse connections, and break off those that are open; models stay loaded."""
        await self._http.stop()

    async def back(self) -> None:
        """Listen again where it did before, if it does not."""
        if not self._http.is_closed:
            return
        self._port = await self._http.start(self._port)

    def find(self, name: str) -> Weights | None:
        return self.weights.get(name if ":" in name else f"{name}:latest")

    async def start(self) -> None:
        self._port = await self._http.start(self._port)
        self.engine.start()

    async def stop(self) -> None:
        await self._http.stop()
        await self.engine.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _handle(self, exchange: Exchange) -> None:
        try:
            body = exchange.json() if exchange.raw else {}
        except ValueError as error:
            await exchange.send(400, {"error": str(error)})
            return
        call = Call(exchange.path, body)
        self.calls.append(call)
        spoiled = self._spoiled.get(call.path)
        trouble = spoiled.popleft() if spoiled else self.trouble(call)
        if trouble is None:
            await self._answer(exchange, call)
        else:
            await befall(trouble, exchange, call)

    def _fate(self, weights: Weights) -> Load:
        fates = self._loads.get(weights.full_name)
        return fates.popleft() if fates else Load()

    async def _answer(self, exchange: Exchange, call: Call) -> None:
        match exchange.path:
            case "/api/chat":
                await chat.serve(self, exchange, call, Dialect.CHAT)
            case "/api/generate":
                await chat.serve(self, exchange, call, Dialect.GENERATE)
            case "/v1/chat/completions":
                await completions.serve(self, exchange, call)
            case "/api/embed":
                await catalogue.embed(self, exchange, call.body)
            case "/api/tags":
                await exchange.send(200, catalogue.tags(self))
            case "/api/ps":
                await exchange.send(200, self.told(catalogue.running(self)))
            case "/api/show":
                await catalogue.show(self, exchange, call.body)
            case "/api/version":
                await exchange.send(200, {"version": catalogue.VERSION})
            case _:
                await exchange.send(404, b"404 page not found")


async def befall(trouble: Trouble, exchange: Exchange, call: Call) -> None:
    call.outcome = trouble.value
    match trouble:
        case Trouble.RESET:
            exchange.drop()
        case Trouble.HANG:
            await asyncio.Event().wait()
        case Trouble.GARBAGE:
            await exchange.send(200, b"<html>not what you think</html>")
        case Trouble.NOT_AN_OBJECT:
            await exchange.send(200, ["a", "list"])
        case Trouble.ODD_ERROR:
            await exchange.send(500, {"error": {"message": "trouble in another shape"}})
        case _:
            await exchange.send(int(trouble.value), {"error": f"trouble {trouble.value}"})
