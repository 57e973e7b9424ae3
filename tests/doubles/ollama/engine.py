"""Which models are in memory: one queue, loads one at a time, evictions, timers, slots.

Rebuilt from what the server's scheduler does, including what hurts: a request for a model that
is loaded passes by the queue; every other one waits behind whatever is being loaded. What was
unloaded is out of the list before its memory is back, and who loads meanwhile finds less.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from harness.clock import Clock
from tests.doubles.ollama.answers import Load
from tests.doubles.ollama.memory import Memory
from tests.doubles.ollama.runner import Runner, Seat
from tests.doubles.ollama.weights import FOREVER, GIB, SHARE_THAT_FITS, Rules, Weights

__all__ = ["FOREVER", "GIB", "Busy", "Crashed", "Engine", "Rules", "Weights"]

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


class Crashed(Exception):
    """The runner died while it loaded; said as the server says it."""


@dataclass
class _Waiting:
    weights: Weights
    options: Mapping[str, Any]
    keep_alive: float | None
    ready: asyncio.Future[Runner] = field(default_factory=asyncio.Future)


class Engine:
    """The scheduler. `journal` tells every load and unload in order, `times` when each was.

    `fate` is asked what becomes of each load.
    """

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self.rules = rules
        self.clock = clock
        self.memory = Memory(rules, clock)
        self.loaded: dict[str, Runner] = {}
        self.loading: Runner | None = None
        self.journal: list[str] = []
        self.times: list[float] = []
        self.fate: Callable[[Weights], Load] = lambda _: Load()
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._scheduler: asyncio.Task[None] | None = None

    @property
    def loads(self) -> int:
        return sum(line.startswith("load ") for line in self.journal)

    @property
    def users(self) -> int:
        """Calls that hold or wait for a slot of a loaded model."""
        return sum(runner.users for runner in self.loaded.values())

    @asynccontextmanager
    async def slot(
        self, weights: Weights, options: Mapping[str, Any], keep_alive: float | None
    ) -> AsyncIterator[tuple[Runner, float]]:
        """A place on a loaded model, and the seconds that its load took. Raises Busy, Crashed."""
        async with self.seat(weights, options, keep_alive) as seat:
            yield seat.runner, seat.load_seconds

    @asynccontextmanager
    async def seat(
        self, weights: Weights, options: Mapping[str, Any], keep_alive: float | None
    ) -> AsyncIterator[Seat]:
        """A place on a loaded model. Raises Busy, Crashed."""
        load_key = {name: options[name] for name in RELOADING if name in options}
        runner, load_seconds = await self._runner(weights, load_key, keep_alive)
        seat = Seat(runner, load_seconds)
        try:
            async with runner.slots:
                yield seat
        finally:
            seat.leave()
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
        waiting = _Waiting(weights, options, keep_alive)
        self._queue.append(waiting)
        self._arrived.set()
        began = self.clock.monotonic()
        try:
            runner = await waiting.ready
        except asyncio.CancelledError:
            if waiting.ready.done() and not waiting.ready.cancelled():
                self._leave(waiting.ready.result())
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
            try:
                runner = await self._place(waiting)
            except Crashed as crash:
                if not waiting.ready.cancelled():
                    waiting.ready.set_exception(crash)
                continue
            if runner is None:
                continue
            if waiting.ready.cancelled():
                self._expire_later(runner)
                continue
            self._take(runner, waiting.keep_alive)
            waiting.ready.set_result(runner)

    async def _place(self, waiting: _Waiting) -> Runner | None:
        """Bring the model in; the whole queue stands still meanwhile. None: nobody waits now."""
        present = self.loaded.get(waiting.weights.full_name)
        if present is not None and present.options == waiting.options:
            return present
        if present is not None:
            await self._make_room(present, "reload")
        runner = self._planned(waiting)
        while self.loaded and self._full(runner.size):
            await self._make_room(self._victim(), "evict")
        runner.vram = max(min(runner.size, self.memory.free(self.loaded.values())), 0)
        return await self._load(waiting, runner)

    def _planned(self, waiting: _Waiting) -> Runner:
        weights, rules = waiting.weights, self.rules
        asked = int(waiting.options.get("num_ctx", rules.context))
        context, slots = min(asked, weights.trained_context), rules.slots(weights)
        size = weights.size + weights.kv_bytes_per_token * context * slots
        return Runner(weights, waiting.options, context, rules.keep_alive, slots, size, size)

    async def _load(self, waiting: _Waiting, runner: Runner) -> Runner | None:
        """Who hangs up while his model loads, ends the load."""
        name, fate = runner.weights.full_name, self.fate(runner.weights)
        seconds = runner.weights.load_seconds if fate.seconds is None else fate.seconds
        self.loading = runner
        loading: asyncio.Future[Any] = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait([loading, waiting.ready], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.loading = None
            loading.cancel()
        if waiting.ready.cancelled():
            self._gone(runner, "abort")
            return None
        if fate.crash:
            self._gone(runner, "crash")
            raise Crashed(f"llama runner process has terminated: {fate.crash}")
        self.loaded[name] = runner
        self._note(f"load {name}")
        return runner

    def _full(self, size: int) -> bool:
        crowded = len(self.loaded) >= self.rules.max_loaded
        return crowded or size > SHARE_THAT_FITS * self.memory.free(self.loaded.values())

    def _victim(self) -> Runner:
        """The shortest keep-alive, then the name; one that is idle before one that is not."""
        order = sorted(self.loaded.values(), key=lambda r: (r.keep_alive, r.weights.full_name))
        return next((runner for runner in order if runner.users == 0), order[0])

    async def _make_room(self, runner: Runner, why: str) -> None:
        """Wait until the victim's time is over, and until its memory is back.

        It goes as soon as it is idle, unless a request that came meanwhile gave it a keep-alive
        of its own: then that one runs out first.
        """
        runner.keep_alive = 0.0
        while self.loaded.get(runner.weights.full_name) is runner:
            if runner.users == 0 and runner.keep_alive <= 0:
                self._drop(runner, why)
                break
            self._changed.clear()
            await self._changed.wait()
        await self.memory.recover()

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
        self._gone(runner, why)
        self._changed.set()

    def _gone(self, runner: Runner, why: str) -> None:
        self.memory.give_back(runner)
        self._note(f"{why} {runner.weights.full_name}")

    def _note(self, line: str) -> None:
        self.journal.append(line)
        self.times.append(self.clock.monotonic())
