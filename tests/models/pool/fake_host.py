"""A server without a network: its loads take time, and tests may look into it and break it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from harness.models.ollama_host import Loaded, OllamaHost


class FakeHost(OllamaHost):
    """Holds what it was told to load, and counts who asks it at a time."""

    def __init__(
        self,
        name: str = "local",
        *,
        slots: int = 2,
        models: int = 2,
        disk: Sequence[str] = (),
        load_seconds: float = 2.0,
    ) -> None:
        super().__init__(f"http://{name}", name=name, slots=slots, models=models)
        self.disk = disk
        self.load_seconds = load_seconds
        self.memory_holds: dict[str, int] = {}  # num_ctx of each model
        self.journal: list[str] = []
        self.asked: Counter[str] = Counter()
        self.fault: Exception | None = None  # what all that it is asked raises
        self.load_fault: Exception | None = None
        self.is_sound = True  # it never broke down, so what it holds is what the pool made of it
        self.closed = 0

    async def load(
        self,
        model: str,
        *,
        num_ctx: int = 0,
        keep_alive: float | str | None = None,
        embeds: bool = False,
    ) -> None:
        try:
            await asyncio.sleep(self.load_seconds)
        except asyncio.CancelledError:
            self.journal.append(f"hang up on {model}")
            await asyncio.sleep(0.1)
            self.journal.append(f"no {model}")
            raise
        self.break_down()
        if self.load_fault is not None:
            raise self.load_fault
        self.make_room()
        self.memory_holds[model] = num_ctx
        self.journal.append(f"load {model} {num_ctx}")

    def make_room(self) -> None:
        """As the server does by itself: what nobody uses goes."""
        idle = [model for model in self.memory_holds if not self.asked[model]]
        for model in idle[: len(self.memory_holds) - self.models + 1]:
            assert not self.is_sound, f"{model} is evicted by {self.name} itself"
            del self.memory_holds[model]

    async def unload(self, model: str) -> None:
        await asyncio.sleep(0.01)
        self.break_down()
        assert not self.asked[model], f"{model} answers a call"
        self.memory_holds.pop(model, None)
        self.journal.append(f"unload {model}")

    async def running(self) -> list[Loaded]:
        held = [Loaded(model, num_ctx=num_ctx) for model, num_ctx in self.memory_holds.items()]
        await asyncio.sleep(0.01)
        self.break_down()
        return held

    async def sizes(self) -> dict[str, int]:
        await asyncio.sleep(0.01)
        self.break_down()
        return dict.fromkeys(self.disk, 1)

    async def answer(self, model: str, seconds: float) -> None:
        """What a call of the model is. Fails where the pool gave a slot that is not there."""
        self.break_down()
        assert model in self.memory_holds or not self.is_sound, f"{model} is not at {self.name}"
        self.asked[model] += 1
        try:
            assert self.asked[model] <= self.slots, f"too many calls of {model} at {self.name}"
            await asyncio.sleep(seconds)
        finally:
            self.asked[model] -= 1

    async def aclose(self) -> None:
        self.closed += 1

    def break_down(self) -> None:
        if self.fault is not None:
            self.is_sound = False
            raise self.fault
