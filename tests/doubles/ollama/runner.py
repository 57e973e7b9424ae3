"""A model in memory: its slots, what each has read already, and how fast it is where it lies."""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.ollama.prompts import count
from tests.doubles.ollama.weights import CPU_SLOWNESS, FOREVER, Weights


@dataclass
class Cache:
    """What a slot has in its keys and values, as text."""

    text: str = ""

    def shared(self, prompt: str) -> int:
        """Characters with which both begin."""
        lengths = range(1, min(len(self.text), len(prompt)) + 1)
        return bisect.bisect_left(lengths, 1, key=lambda n: self.text[:n] != prompt[:n])


@dataclass
class Runner:
    """A model in memory, `vram` bytes of its `size` on the GPU."""

    weights: Weights
    options: Mapping[str, Any]
    context: int
    keep_alive: float
    parallel: int
    size: int
    vram: int
    users: int = 0
    expires_at: float = FOREVER  # monotonic; counts from the end of the last request
    timer: asyncio.Task[None] | None = None
    slots: asyncio.Semaphore = field(init=False)
    free: list[Cache] = field(init=False)

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.parallel)
        self.free = [Cache() for _ in range(self.parallel)]

    @property
    def slowness(self) -> float:
        """1 on the GPU alone; a part on the CPU slows all of it down."""
        on_cpu = 1 - self.vram / self.size if self.size else 0.0
        return 1 + (CPU_SLOWNESS - 1) * on_cpu


@dataclass
class Seat:
    """A slot of a runner, held by one call."""

    runner: Runner
    load_seconds: float
    _cache: Cache | None = None

    def read(self, prompt: str) -> float:
        """Take the slot that knows most of the prompt; returns the seconds for the rest of it."""
        cache = max(self.runner.free, key=lambda each: each.shared(prompt))
        new = count(prompt[cache.shared(prompt) :])
        self.runner.free.remove(cache)
        self._cache, cache.text = cache, prompt
        return max(new, 1) * self.runner.weights.prompt_seconds * self.runner.slowness

    def write(self, text: str) -> float:
        """The seconds that the text takes to be written."""
        if self._cache is not None:
            self._cache.text += text
        return count(text) * self.runner.weights.token_seconds * self.runner.slowness

    def leave(self) -> None:
        if self._cache is not None:
            self.runner.free.append(self._cache)
            self._cache = None
