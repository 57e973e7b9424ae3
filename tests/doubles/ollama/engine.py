"""Which models are in memory: one queue, loads one at a time, evictions, timers, slots.

Rebuilt from what the server's scheduler does, including what hurts: a request for a model that
is loaded passes by the queue; every other one waits behind whatever is being loaded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from harness.clock import Clock

GIB = 1 << 30
FOREVER = float("inf")
RELOADING = (
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "use_mmap",
    "draft_num_predict",
)  # options that a loaded runner cannot change


class Busy(Exception):
    """The queue is full."""


@dataclass(frozen=True)
class Weights:
    """A model on the disk of the server."""

    name: str
    size: int = 5 * GIB
    trained_context: int = 131_072
    capabilities: tuple[str, ...] = ("completion", "tools")
    load_seconds: float = 0.0
    kv_bytes_per_token: int = 0

    @property
    def full_name(self) -> str:
        return self.name if ":" in self.name else f"{self.name}:latest"


@dataclass(frozen=True)
class Rules:
    """The server's settings, by the defaults of its environment variables."""

    parallel: int = 1
    max_queue: int = 512
    max_loaded: int = 3
    memory: int = 24 * GIB
    context: int = 4096
    keep_alive: float = 300.0
    knows_truncate: bool = True  # older servers ignore the field and truncate in silence
    busy: bool = False  # every request that would queue gets a 503


@dataclass
class Runner:
    """A model in memory."""

    weights: Weights
    options: Mapping[str, Any]
    context: int
    keep_alive: float
    slots: asyncio.Semaphore
    size: int
    users: int = 0
    expires_at: float = FOREVER  # monotonic; counts from the end of the last request
    timer: asyncio.Task[None] | None = None


@dataclass
class _Waiting:
    weights: Weights
    options: Mapping[str, Any]
    keep_alive: float | None
    ready: asyncio.Future[tuple[Runner, float]]


class Engine:
    """The scheduler. `journal` tells every load and unload in order."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self.rules = rules
        self.clock = clock
        self.loaded: dict[str, Runner] = {}
        self.journal: list[str] = []
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._scheduler: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def slot(
        self, weights: Weights, options: Mapping[str, Any], keep_alive: float | None
    ) -> AsyncIterator[tuple[Runner, float]]:
        """A place on a loaded model, and the seconds that its load took. Raises Busy."""
        load_key = {name: options[name] for name in RELOADING if name in options}
        runner, load_seconds = await self._runner(weights, load_key, keep_alive)
        try:
            async with runner.slots:
                yield runner, load_seconds
        finally:
            self._leave(runner)

    def unload(self, weights: Weights) -> None:
        """Keep-alive zero on an empty request: out now if idle, else when it becomes so."""
        runner = self.loaded.get(weights.full_name)
        if runner is None:
            return
        runner.keep_alive = 0.0
        if runner.users == 0:
            self._drop(runner, "unload")

    def start(self) -> None:
        self._scheduler = asyncio.create_task(self._schedule(), name="ollama-double-scheduler")

    async def stop(self) -> None:
        timers = [runner.timer for runner in self.loaded.values()]
        tasks = [task for task in [self._scheduler, *timers] if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _runner(
        self, weights: Weights, options: Mapping[str, Any], keep_alive: float | None
    ) -> tuple[Runner, float]:
        runner = self.loaded.get(weights.full_name)
        if runner is not None and runner.options == options:
            self._take(runner, keep_alive)
            return runner, 0.0
        if self.rules.busy or len(self._queue) >= self.rules.max_queue:
            raise Busy
        waiting = _Waiting(weights, options, keep_alive, asyncio.Future())
        self._queue.append(waiting)
        self._arrived.set()
        began = self.clock.monotonic()
        try:
            runner, _ = await waiting.ready
        except asyncio.CancelledError:
            if waiting.ready.done() and not waiting.ready.cancelled():
                self._leave(waiting.ready.result()[0])
            raise
        return runner, self.clock.monotonic() - began

    async def _schedule(self) -> None:
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            waiting = self._queue.popleft()
            if waiting.ready.cancelled():
                continue
            runner = await self._place(waiting)
            if waiting.ready.cancelled():
                self._expire_later(runner)
                continue
            self._take(runner, waiting.keep_alive)
            waiting.ready.set_result((runner, 0.0))

    async def _place(self, waiting: _Waiting) -> Runner:
        """Bring the model in; the whole queue stands still meanwhile."""
        name = waiting.weights.full_name
        present = self.loaded.get(name)
        if present is not None and present.options == waiting.options:
            return present
        if present is not None:
            await self._drain(present, "reload")
        context = self._context(waiting)
        size = waiting.weights.size
        size += waiting.weights.kv_bytes_per_token * context * self.rules.parallel
        while self.loaded and self._full(size):
            await self._drain(self._victim(), "evict")
        await self.clock.sleep(waiting.weights.load_seconds)
        one_slot = "embedding" in waiting.weights.capabilities
        runner = Runner(
            waiting.weights,
            waiting.options,
            context,
            self.rules.keep_alive,
            asyncio.Semaphore(1 if one_slot else self.rules.parallel),
            size,
        )
        self.loaded[name] = runner
        self.journal.append(f"load {name}")
        return runner

    def _context(self, waiting: _Waiting) -> int:
        asked = int(waiting.options.get("num_ctx", self.rules.context))
        return min(asked, waiting.weights.trained_context)

    def _full(self, size: int) -> bool:
        used = sum(runner.size for runner in self.loaded.values())
        crowded = len(self.loaded) >= self.rules.max_loaded
        return crowded or size > 0.8 * (self.rules.memory - used)

    def _victim(self) -> Runner:
        """The shortest keep-alive, then the name; one that is idle before one that is not."""
        order = sorted(self.loaded.values(), key=lambda r: (r.keep_alive, r.weights.full_name))
        return next((runner for runner in order if runner.users == 0), order[0])

    async def _drain(self, runner: Runner, why: str) -> None:
        """Wait until the victim's time is over.

        It goes as soon as it is idle, unless a request that came meanwhile gave it a keep-alive
        of its own: then that one runs out first.
        """
        runner.keep_alive = 0.0
        while self.loaded.get(runner.weights.full_name) is runner:
            if runner.users == 0 and runner.keep_alive <= 0:
                self._drop(runner, why)
                return
            self._changed.clear()
            await self._changed.wait()

    def _take(self, runner: Runner, keep_alive: float | None) -> None:
        runner.users += 1
        if keep_alive is not None:
            runner.keep_alive = keep_alive
        if runner.timer is not None:
            runner.timer.cancel()
            runner.timer = None

    def _leave(self, runner: Runner) -> None:
        runner.users -= 1
        if runner.users == 0:
            self._expire_later(runner)
        self._changed.set()

    def _expire_later(self, runner: Runner) -> None:
        if runner.users or self.loaded.get(runner.weights.full_name) is not runner:
            return
        runner.expires_at = self.clock.monotonic() + runner.keep_alive
        if runner.keep_alive < FOREVER:
            runner.timer = asyncio.create_task(self._expire(runner, runner.keep_alive))

    async def _expire(self, runner: Runner, seconds: float) -> None:
        with suppress(asyncio.CancelledError):
            await self.clock.sleep(seconds)
            runner.timer = None
            if runner.users == 0 and self.loaded.get(runner.weights.full_name) is runner:
                self._drop(runner, "expire")

    def _drop(self, runner: Runner, why: str) -> None:
        if runner.timer is not None:
            runner.timer.cancel()
        self.loaded.pop(runner.weights.full_name, None)
        self.journal.append(f"{why} {runner.weights.full_name}")
        self._changed.set()
