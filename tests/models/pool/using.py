"""A pool over doubles of the server, and calls of it that a test can hold in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.clock import Clock
from harness.config.priority import Priority
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.models.port import Asker, ChatRequest, Message, Reply, Role
from tests.doubles.ollama import OllamaDouble
from tests.virtual_http import VirtualClock


@dataclass
class House:
    """A pool, and its models by name."""

    pool: Pool
    clock: Clock
    settings: dict[str, Any] = field(default_factory=dict)
    models: dict[str, OllamaModel] = field(default_factory=dict)

    def model(self, name: str, **settings: Any) -> OllamaModel:
        if name not in self.models:
            self.models[name] = OllamaModel(self.pool, name, clock=self.clock, **settings)
        return self.models[name]

    async def ask(self, model: str, text: str = "hi", **asker: Any) -> Reply:
        return await self.model(model).chat(request(text, **asker))

    def start(self, model: str, text: str = "hi", **asker: Any) -> asyncio.Task[Reply]:
        return asyncio.create_task(self.ask(model, text, **asker))

    @property
    def is_empty(self) -> bool:
        """Whether no slot is held and nobody waits."""
        state = self.pool.snapshot()
        running = [call for host in state.hosts for each in host.residents for call in each.running]
        return not running and not state.lines


def request(text: str = "hi", **asker: Any) -> ChatRequest:
    return ChatRequest([Message(Role.USER, text)], asker=Asker(**asker))


P0 = {"priority": Priority.P0}


@asynccontextmanager
async def house(
    doubles: Sequence[OllamaDouble] | OllamaDouble, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[House]:
    """The hosts are called local, second, ...; `slots`, `models` and `memory` are those of each."""
    doubles = [doubles] if isinstance(doubles, OllamaDouble) else doubles
    own = {name: settings.pop(name) for name in ("slots", "models", "memory") if name in settings}
    hosts = [
        OllamaHost(double.url, name=name, **own)
        for double, name in zip(doubles, ("local", "second", "third"), strict=False)
    ]
    clock = clock or VirtualClock()
    pool = Pool(hosts, clock=clock, **settings)
    pool.join()
    try:
        yield House(pool, clock)
    finally:
        await pool.aclose()
