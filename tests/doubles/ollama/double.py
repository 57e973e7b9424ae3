"""The server itself: what it holds, what it was asked, and which route answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from harness.clock import Clock, SystemClock
from tests.doubles.ollama import catalogue, chat, completions
from tests.doubles.ollama.answers import Answer
from tests.doubles.ollama.engine import Engine, Rules, Weights
from tests.doubles.ollama.http import Exchange, HttpServer

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
        match exchange.path:
            case "/api/chat":
                await chat.serve(self, exchange, call, chat.Dialect.CHAT)
            case "/api/generate":
                await chat.serve(self, exchange, call, chat.Dialect.GENERATE)
            case "/v1/chat/completions":
                await completions.serve(self, exchange, call)
            case "/api/embed":
                await catalogue.embed(self, exchange, body)
            case "/api/tags":
                await exchange.send(200, catalogue.tags(self))
            case "/api/ps":
                await exchange.send(200, catalogue.running(self))
            case "/api/show":
                await catalogue.show(self, exchange, body)
            case "/api/version":
                await exchange.send(200, {"version": catalogue.VERSION})
            case _:
                await exchange.send(404, b"404 page not found")
