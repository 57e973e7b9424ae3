"""An event loop whose time is counted and not waited for, and the clock that goes with it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


class NothingLeft(RuntimeError):
    """Every task waits for another one: time would stand still for ever."""


class Jump(selectors.BaseSelector):
    """Instead of waiting for a file, lets the loop's time jump to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft("no timer is set, and no task can go on")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self.keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """An hour in which nothing happens takes as long as one in which there is no timer."""

    def __init__(self) -> None:
        self.jump = Jump()
        super().__init__(self.jump)
        self.tasks: list[asyncio.Task[Any]] = []  # in the order they began; asyncio has a set
        self.set_task_factory(self.begin)
        self.set_exception_handler(lambda loop, context: None)  # what dies in a crash is silent

    def time(self) -> float:
        return self.jump.now

    def begin(self, loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        self.tasks = [before for before in self.tasks if not before.done()]
        self.tasks.append(task)
        return task


class VirtualClock:
    """`harness.clock.Clock` on the running loop; `shift` steps the wall clock alone."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC)) -> None:
        self.start = start

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    def shift(self, by: timedelta) -> None:
        self.start += by
