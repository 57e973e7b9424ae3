"""Two ways to have a model's answer: straight from the server, or through the house."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import httpx

from harness.clock import Clock
from harness.config.priority import Priority
from harness.config.settings import HostSettings, ModelProfile, ModelsSettings
from harness.models.ollama_wire import message_body, tool_body
from harness.models.pool.seat import Wish
from harness.models.pool.view import Spec
from harness.models.port import Asker, ChatRequest, Message, Role, ToolCall, ToolSpec
from harness.models.profiles import Models
from harness.services.prefetch import Prefetch
from tests.simulation.affinity.work import MODELS, NUM_CTX, SERVER, Job

TOOL = ToolSpec("rss", "Read feeds.", {"type": "object", "properties": {}})


class Way(Protocol):
    """How a call of a job comes to its answer."""

    async def ask(self, job: Job, talk: Sequence[Message], heard: Callable[[], None]) -> Message:
        """The answer; `heard` is called at its first word."""
        ...

    async def aclose(self) -> None: ...


class Straight:
    """First come, first served: each call goes to the server at once, which has its defaults."""

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.AsyncClient(base_url=url, timeout=None, limits=limits, trust_env=False)

    async def ask(self, job: Job, talk: Sequence[Message], heard: Callable[[], None]) -> Message:
        body = {
            "model": job.model.name,
            "messages": [message_body(message) for message in talk],
            "tools": [tool_body(TOOL)],
            "options": {"num_ctx": NUM_CTX},
        }
        words, calls = list[str](), list[ToolCall]()
        async with self._http.stream("POST", "/api/chat", json=body) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                heard() if not words else None
                message = json.loads(line)["message"]
                words.append(message["content"])
                for made in message.get("tool_calls", ()):
                    calls.append(ToolCall(made["id"], made["function"]["name"], {}))
        return Message(Role.ASSISTANT, "".join(words), calls)

    async def aclose(self) -> None:
        await self._http.aclose()


class House:
    """Through the pool, as every call of the house goes; the settings are the defaults but for
    what the server has."""

    def __init__(self, url: str, clock: Clock) -> None:
        host = HostSettings(
            url=url, slots=SERVER.parallel, memory=SERVER.memory, models=SERVER.max_loaded
        )
        profiles = {
            model.name: ModelProfile(provider="ollama", model=model.name, num_ctx=NUM_CTX)
            for model in MODELS
        }
        settings = ModelsSettings(default=MODELS[0].name, profiles=profiles, hosts=[host])
        self.models = Models(settings, clock, Path())

    async def ask(self, job: Job, talk: Sequence[Message], heard: Callable[[], None]) -> Message:
        asker = Asker(job.agent, job.name, job.priority)
        request = ChatRequest(talk, [TOOL], asker=asker)

        def word(text: str | None) -> None:
            heard() if text else None

        answer = await self.models.get(job.model.name).chat(request, word)
        return answer.message

    async def aclose(self) -> None:
        await self.models.aclose()


class Foresight(Prefetch):
    """The house's own prefetch, which knows of a day what its schedule tells: not the urgent."""

    def __init__(self, models: Models, jobs: Sequence[Job], clock: Clock) -> None:
        crew: Any = SimpleNamespace(settings=SimpleNamespace(models=models.settings))
        super().__init__(dict, lambda: crew, lambda: models.pool, lambda: True, clock)
        began = clock.now()
        self.slots = [
            (began + timedelta(seconds=job.begins), Wish(Spec(job.model.name, NUM_CTX)))
            for job in jobs
            if job.priority is not Priority.P0
        ]

    def soonest(self) -> dict[Wish, datetime]:
        now, found = self.clock.now(), dict[Wish, datetime]()
        for when, wish in self.slots:
            if when > now:
                found[wish] = min(when, found.get(wish, when))
        return found


class Farsighted(House):
    """Through the pool, with models fetched before their jobs are due."""

    def __init__(self, url: str, clock: Clock, jobs: Sequence[Job]) -> None:
        super().__init__(url, clock)
        self._stop = asyncio.Event()
        foresight = Foresight(self.models, jobs, clock)
        self._looking = asyncio.create_task(foresight.run(self._stop))

    async def aclose(self) -> None:
        self._stop.set()
        await self._looking
        await super().aclose()
