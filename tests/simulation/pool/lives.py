"""An event loop on which a process can die: what ran in it runs no further, not even to clean up.

Each life of the daemon is begun in a context of its own, and so is all that it begins. `kill` takes
every timer, file and task of that context away, as the system does it with a process.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
import time
from asyncio import events
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from harness.db.writer import Writer
from tests import virtual_http
from tests.virtual_http import VirtualHttpLoop

Ctx = contextvars.Context | None
H = TypeVar("H", bound=asyncio.Handle)
QUICK = 0.0002  # real seconds; all sockets are of this process: a byte that was sent is there
LIFE: contextvars.ContextVar[int] = contextvars.ContextVar("life", default=0)  # 0: the world
WORLD = contextvars.Context()
GRAVES: list[object] = []  # what is collected as rubbish would still clean up after itself
ctypes.pythonapi.Py_IncRef(ctypes.py_object(GRAVES))  # not even at the end


class LivesLoop(VirtualHttpLoop):
    """Time also stands still while a `Writer` of the harness writes."""

    def __init__(self) -> None:
        self.dead: set[int] = set()
        self.tasks: dict[int, set[asyncio.Task[Any]]] = {}
        super().__init__()
        self.set_task_factory(self._born)

    def live(self, work: Coroutine[Any, Any, Any], life: int) -> asyncio.Task[Any]:
        """Run `work`, and all that it begins, as a process that `kill` can end."""
        context = contextvars.copy_context()
        context.run(LIFE.set, life)
        return context.run(self.create_task, work)

    def kill(self, life: int) -> None:
        """Nothing of that life goes on, and its connections are cut."""
        self.dead.add(life)
        for key in list(self.sockets.get_map().values()):
            if any(handle and is_of(handle._context, life) for handle in key.data):
                self._cut(key.fd)
        for handle in [*self._ready, *self._scheduled]:  # type: ignore[attr-defined]
            if is_of(handle._context, life):
                handle.cancel()
        for task in self.tasks.pop(life, ()):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            asyncio.tasks._unregister_task(task)
            GRAVES.append(task)

    async def threads(self) -> None:
        """Return when no thread that time waits for is at work."""
        while self.sockets.working:
            time.sleep(QUICK)
            await asyncio.sleep(0)

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: Ctx = None,
    ) -> asyncio.Handle:
        if self._is_dead(context):
            return cancelled(events.Handle(callback, args, self, context))
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: Ctx = None,
    ) -> asyncio.Handle:
        if self._is_dead(context):
            return cancelled(events.Handle(callback, args, self, context))
        return super().call_soon_threadsafe(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Ctx = None,
    ) -> asyncio.TimerHandle:
        if self._is_dead(context):
            return cancelled(events.TimerHandle(when, callback, args, self, context))
        return super().call_at(when, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """As ever; that the thread is done is also heard when who asked is dead."""

        def work() -> Any:
            try:
                return func(*args)
            finally:
                self.call_soon_threadsafe(self._soon_one_less, 3, context=WORLD)

        self.sockets.working += 1
        return asyncio.SelectorEventLoop.run_in_executor(self, executor, work)

    def _soon_one_less(self, rounds: int) -> None:
        """The result itself comes a moment after the word of it."""
        if rounds:
            self.call_soon(self._soon_one_less, rounds - 1, context=WORLD)
        else:
            self._one_less(None)

    def _is_dead(self, context: contextvars.Context | None) -> bool:
        life = LIFE.get() if context is None else context.get(LIFE, 0)
        return life in self.dead

    def _born(self, loop: object, work: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=self, **more)
        life = more["context"].get(LIFE, 0) if more.get("context") else LIFE.get()
        if life:
            mates = self.tasks.setdefault(life, set())
            mates.add(task)
            task.add_done_callback(mates.discard, context=WORLD)
        return task

    def _cut(self, fd: int) -> None:
        transport = self._transports.get(fd)  # type: ignore[attr-defined]
        if transport is not None:
            transport.abort()
        else:
            self.remove_reader(fd)
            self.remove_writer(fd)


def is_of(context: contextvars.Context | None, life: int) -> bool:
    return context is not None and context.get(LIFE, 0) == life


def cancelled(handle: H) -> H:
    handle.cancel()
    return handle


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` returns. Dead tasks are left where they are."""
    loop = LivesLoop()
    try:
        with waiting_for_writers(), patch.object(virtual_http, "A_MOMENT", QUICK):
            return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextmanager
def waiting_for_writers() -> Iterator[None]:
    """Virtual time does not go on while a database is written."""
    run = Writer.run

    def counted(self: Writer, step: Any, **more: Any) -> Any:
        loop, answer = self._loop, run(self, step, **more)
        assert isinstance(loop, LivesLoop)
        loop.sockets.working += 1
        answer.add_done_callback(loop._one_less, context=WORLD)
        return answer

    with patch.object(Writer, "run", counted):
        yield


def join(thread: threading.Thread | None) -> None:
    if thread is not None:
        thread.join(10)
        assert not thread.is_alive(), f"{thread.name} does not end"
