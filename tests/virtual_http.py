"""Virtual time over real sockets: a day of HTTP on loopback passes in seconds, a timeout at once.

    @in_virtual_time
    async def test_a_silent_server_is_given_up_after_five_minutes() -> None: ...

The loop polls its sockets as ever. Only when none has anything to say, and no thread that the loop
knows of is at work, does its time jump to the next timer. `VirtualClock` is the clock for the parts
under test, `asyncio.sleep` and `asyncio.timeout` obey anyhow. What is measured with
`time.monotonic` is real and means nothing here, and so does the clock of another process.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from tests.simulation.virtual import NothingLeft

A_MOMENT = 0.001  # real seconds in which a byte on loopback surely arrives
GIVE_UP = 10.0  # real seconds without a timer, a byte or a thread

P = ParamSpec("P")
T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]


class SocketsFirst(selectors.BaseSelector):
    """Waits for files for a moment only, and then lets the time jump instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self.working = 0  # threads, or other things, that time must wait for
        self.jumps = 0
        self._files = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> Ready:
        ready = self._files.select(0)
        if ready or timeout == 0:
            return ready
        ready = self._listen(for_ever=timeout is None)
        if ready or timeout is None:
            return ready
        self.now += max(timeout, 0.0)
        self.jumps += 1
        return []

    def _listen(self, *, for_ever: bool) -> Ready:
        """What arrives in a moment; while somebody is at work, or for_ever, in as long as it takes.
        Raises NothingLeft."""
        began = time.monotonic()
        while not (ready := self._files.select(A_MOMENT)):
            if self.working:
                began = time.monotonic()
            elif not for_ever:
                break
            elif time.monotonic() - began > GIVE_UP:
                raise NothingLeft("no timer is set, and no task can go on")
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._files.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._files.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files.get_map()

    def close(self) -> None:
        self._files.close()


class VirtualHttpLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when nothing else does."""

    def __init__(self) -> None:
        self.sockets = SocketsFirst()
        super().__init__(self.sockets)

    def time(self) -> float:
        return self.sockets.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As ever; time stands still until the thread is done."""
        self.sockets.working += 1
        job = super().run_in_executor(executor, func, *args)
        job.add_done_callback(self._one_less)
        return job

    @contextmanager
    def still(self) -> Iterator[None]:
        """Time stands still in here: a thread or process is at work that the loop did not begin."""
        self.sockets.working += 1
        try:
            yield
        finally:
            self.sockets.working -= 1

    def _one_less(self, _: object) -> None:
        self.sockets.working -= 1


class VirtualClock:
    """`harness.clock.Clock` on a loop's time, also for threads; `shift` steps the wall alone."""

    def __init__(
        self,
        start: datetime = datetime(2026, 3, 2, tzinfo=UTC),
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`start` is the time at the loop's zero. Without `loop` the running one is meant."""
        self.start = start
        self._loop = loop or asyncio.get_running_loop()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    def shift(self, by: timedelta) -> None:
        self.start += by


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, as `asyncio.run` does it. Raises NothingLeft when all tasks wait."""
    with asyncio.Runner(loop_factory=VirtualHttpLoop) as runner:
        return runner.run(work)


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Run a coroutine function, such as a test, on a loop of its own. Its fixtures are made
    before, so those that are coroutines do not go with it."""

    @functools.wraps(test)
    def plainly(*args: P.args, **kwargs: P.kwargs) -> T:
        return run(test(*args, **kwargs))

    # a test runner looks at the signature, and must not take this for a coroutine function
    plainly.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    del plainly.__wrapped__
    return plainly
