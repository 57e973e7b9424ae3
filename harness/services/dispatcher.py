"""The dispatcher: takes up what waits, opens a session for it, and records how it ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from harness.bus.port import Bus, LeaseLost, Task
from harness.bus.routed import Decision
from harness.clock import Clock
from harness.db.connection import DatabaseError
from harness.errors import HarnessError, Held
from harness.services.waiting import unless
from harness.session.steps import Ended, Reason

log = structlog.get_logger("dispatcher")

IDLE_SECONDS = 5.0  # a request's time may come without anybody ringing
WATCH_SECONDS = 1.0  # how soon a session learns that its task was taken away, if no bell rings
BEAT_SECONDS = 20.0  # a third of the lease
TROUBLE_SECONDS = 5.0  # until the next try when the bus cannot be written


class Answer(Protocol):
    """Runs one session to its end, or decides whose the task is; ends early, in order, once
    `cancel` is set."""

    def __call__(self, task: Task, cancel: asyncio.Event) -> Awaitable[Ended | Decision]: ...


class Dispatcher:
    """Serves every lane up to its cap."""

    def __init__(
        self,
        bus: Bus,
        answer: Answer,
        lanes: Callable[[], Mapping[str, int]],
        owner: str,
        clock: Clock,
    ) -> None:
        self.bus = bus
        self.answer = answer
        self.lanes = lanes  # asked anew each time: agents come and go with their files
        self.owner = owner
        self.clock = clock
        self.busy: Counter[str] = Counter()
        self.cancels: dict[str, asyncio.Event] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop; open sessions are then ended and handed back unspent."""
        async with asyncio.TaskGroup() as sessions:
            while not stop.is_set():
                if patience := await self.look(sessions):
                    await unless(stop, self.bus.wait(patience))
            for cancel in self.cancels.values():
                cancel.set()

    async def look(self, sessions: asyncio.TaskGroup) -> float:
        """Take up what is due; seconds until it is worth looking again."""
        try:
            due = await self.bus.next_due()  # asked first: it may fall due during the claims
            return 0.0 if await self.take_up(sessions) else self.patience(due)
        except HarnessError as error:  # a full disk, say: the open sessions go on
            log.error("no task can be taken up", reason=str(error))
            return TROUBLE_SECONDS

    async def take_up(self, sessions: asyncio.TaskGroup) -> int:
        """Open a session for every request that is due in a lane with room; how many."""
        taken = 0
        for lane, cap in self.lanes().items():
            while self.busy[lane] < cap:
                task = await self.bus.claim(lane, cap=cap, owner=self.owner)
                if task is None:
                    break
                taken += 1
                self.busy[lane] += 1
                cancel = self.cancels[task.id] = asyncio.Event()
                sessions.create_task(self.serve(task, cancel), name=f"task-{task.id}")
        return taken

    def patience(self, due: datetime | None) -> float:
        """Seconds until something falls due by itself, at most the idle limit."""
        if due is None:
            return IDLE_SECONDS
        return min(max((due - self.clock.now()).total_seconds(), 0.0), IDLE_SECONDS)

    async def serve(self, task: Task, cancel: asyncio.Event) -> None:
        log.info("task taken up", task=task.id, agent=task.agent, attempt=task.attempt)
        watching = asyncio.create_task(self.watch(task, cancel))
        try:
            await self.write(task, await self.attempt(task, cancel))
        except LeaseLost as lost:
            log.info("task taken away", task=task.id, reason=str(lost))
        finally:
            watching.cancel()
            self.busy[task.lane] -= 1
            del self.cancels[task.id]

    async def attempt(self, task: Task, cancel: asyncio.Event) -> Callable[[], Awaitable[object]]:
        """Run the session; what is then to be written of its end. Raises LeaseLost."""
        try:
            return partial(self.conclude, task, await self.answer(task, cancel))
        except LeaseLost:
            raise
        except Exception as error:  # the boundary: a session may fail in any way
            log.exception("session broke", task=task.id, agent=task.agent)
            return partial(self.bus.fail, task, f"{type(error).__name__}: {error}")

    async def write(self, task: Task, end: Callable[[], Awaitable[object]]) -> None:
        """Write how a task ended, however long the bus cannot: the work is done and would be
        lost. Raises LeaseLost."""
        while True:
            try:
                await end()
                return
            except LeaseLost:
                raise
            except (DatabaseError, Held) as error:
                log.error("the end of a task cannot be written", task=task.id, reason=str(error))
                await self.clock.sleep(TROUBLE_SECONDS)
            except Exception as error:  # the boundary: no other session may suffer from it
                log.exception("the end of a task cannot be told", task=task.id)
                why = f"its end cannot be told: {type(error).__name__}"
                end = partial(self.bus.fail, task, why, permanent=True)
                await self.clock.sleep(TROUBLE_SECONDS)

    async def conclude(self, task: Task, ended: Ended | Decision) -> None:
        """Record how a session ended, or whose the task is. Raises LeaseLost."""
        if isinstance(ended, Decision):
            await self.bus.readdress(task, ended)
            log.info("task handed over", task=task.id, agent=ended.agent, reason=ended.told)
            return
        why = f"{ended.reason}: {ended.detail}" if ended.detail else str(ended.reason)
        if ended.reason is Reason.CANCELLED:
            await self.bus.release(task, "the daemon stopped")
        elif ended.reason is Reason.WAITING:
            await self.bus.park(task, why)
            log.info("task waits for a person", task=task.id, reason=ended.detail)
        elif ended.retry:
            after = await self.bus.fail(task, why)
            log.warning("attempt failed", task=task.id, reason=why, state=str(after.state))
        else:
            await self.bus.final(task, ended.outcome, ended.result, note=why)
            log.info("task final", task=task.id, outcome=str(ended.outcome), reason=why)

    async def watch(self, task: Task, cancel: asyncio.Event) -> None:
        """Keep the lease alive while the session lives; end it when the task is lost."""
        beaten = self.clock.monotonic()
        while True:
            try:
                await self.check_ours(task)
                if self.clock.monotonic() - beaten >= BEAT_SECONDS:
                    await self.bus.beat(task)
                    beaten = self.clock.monotonic()
            except LeaseLost:
                cancel.set()
                return
            except HarnessError as error:  # nobody else can take the task up either
                log.error("the lease cannot be renewed", task=task.id, reason=str(error))
            await self.bus.wait(WATCH_SECONDS)

    async def check_ours(self, task: Task) -> None:
        """Raises LeaseLost when the task was cancelled, or taken over."""
        now = await self.bus.get(task.id)
        if (now.state, now.owner, now.attempt) != (task.state, task.owner, task.attempt):
            raise LeaseLost(f"task {task.id} is no longer this session's")
