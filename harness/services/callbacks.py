"""Callbacks: the agent that asked another one is told how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

import structlog

from harness.bus.outside import source_of
from harness.bus.port import (
    RETRY_LADDER,
    Delivery,
    DeliveryState,
    Note,
    Stamp,
    State,
    Task,
)
from harness.clock import Clock
from harness.errors import HarnessError
from harness.services.waiting import unless
from harness.text.fence import fenced
from harness.text.invisible import visible
from harness.text.words import clip, quotation

log = structlog.get_logger("callbacks")

BATCH = 50
IDLE_SECONDS = 5.0
CHANNEL = "callback"  # under which failed attempts are counted, beside those of real channels
MAX_ATTEMPTS = 1 + len(RETRY_LADDER)
MAX_CHARS = 6_000  # of one callback, so that answers of many do not fill the asker's context


class Endings(Protocol):
    """What the callbacks need of the bus."""

    async def owed(self, which: Stamp, limit: int = 100) -> list[Task]: ...

    async def call_back(self, child: Task, text: str) -> Task | Note | None: ...

    async def stamp(self, task_id: str, which: Stamp) -> None: ...

    async def begin_delivery(self, task_id: str, channel: str) -> Delivery | None: ...

    async def finish_delivery(
        self, task_id: str, channel: str, state: DeliveryState, note: str | None = None
    ) -> Delivery: ...

    async def leftovers_of_ended(self, limit: int = 100) -> list[Note]: ...

    async def ask_again(self, note: Note) -> Task | None: ...

    async def wait(self, timeout: float) -> bool: ...


class Callbacks:
    """Tells askers, each one once."""

    def __init__(self, bus: Endings, agents: Callable[[], Collection[str]], clock: Clock) -> None:
        self.bus = bus
        self.agents = agents  # asked anew each time: agents come and go with their files
        self.clock = clock
        self.again_at: dict[str, datetime] = {}  # tasks whose asker could not be told, resting

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            owed = await self.bus.owed(Stamp.CALLED_BACK, BATCH + len(self.again_at))
            self.again_at = {task.id: at for task in owed if (at := self.again_at.get(task.id))}
            for task in owed:
                await self.offer(task)
            for note in await self.bus.leftovers_of_ended(BATCH):
                await self.bus.ask_again(note)  # it came when its task had spoken its last word
            await unless(stop, self.bus.wait(IDLE_SECONDS))

    async def offer(self, task: Task) -> None:
        """Tell the asker, unless the task rests; one that cannot be told holds up no other."""
        if self.clock.now() < self.again_at.get(task.id, self.clock.now()):
            return
        try:
            await self.tell(task)
        except HarnessError as error:
            await self.put_off(task, error)

    async def put_off(self, task: Task, error: HarnessError) -> None:
        """Try again by the ladder, and give up at its end."""
        delivery = await self.bus.begin_delivery(task.id, CHANNEL)
        attempts = delivery.attempts if delivery else MAX_ATTEMPTS
        last = attempts >= MAX_ATTEMPTS
        if delivery:
            state = DeliveryState.FAILED if last else DeliveryState.PENDING
            await self.bus.finish_delivery(task.id, CHANNEL, state, str(error))
        if last:
            await self.bus.stamp(task.id, Stamp.CALLED_BACK)
        else:
            self.again_at[task.id] = self.clock.now() + RETRY_LADDER[attempts - 1]
        log.warning("not called back", task=task.id, attempt=attempts, reason=str(error))

    async def tell(self, task: Task) -> None:
        if task.sender not in self.agents():  # a person reads the queue; an agent may be gone
            await self.bus.stamp(task.id, Stamp.CALLED_BACK)
            log.info("nobody to call back", task=task.id, asker=task.sender)
            return
        await self.bus.call_back(task, report(task))
        log.info("called back", task=task.id, asker=task.sender)


def report(task: Task) -> str:
    """How a task ended, and its answer as a quotation, in at most MAX_CHARS characters."""
    head = f'Your request "{clip(task.title, 200)}" to {task.agent} (task {task.id}) {ending(task)}'
    answer = task.result.text.strip() if task.result else ""
    if not answer:
        return f"{head}. There is no answer."
    room = MAX_CHARS - len(head) - 400
    if source := source_of(task):
        return f"{head}. The answer:\n\n{fenced(source, clip(visible(answer), room))}"
    kept = quotation(answer)
    if len(kept) <= room:
        return f"{head}. The answer:\n\n{kept}"
    return f"{head}. The beginning of its {len(answer)} characters:\n\n{clip(kept, room)}"


def ending(task: Task) -> str:
    if task.state is State.DEAD:
        how = f"failed for good after {task.attempt} attempts"
    else:
        how = f"ended as {task.outcome.value if task.outcome else 'final'}"
    return f"{how}: {clip(task.error, 500)}" if task.error else how
