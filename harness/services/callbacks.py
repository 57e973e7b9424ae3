"""Callbacks: the agent that asked another one is told how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from harness.bus.port import Note, Stamp, State, Task
from harness.services.waiting import unless
from harness.text.words import clip

log = structlog.get_logger("callbacks")

BATCH = 50
IDLE_SECONDS = 5.0
MAX_CHARS = 6_000  # of one callback, so that answers of many do not fill the asker's context


class Endings(Protocol):
    """What the callbacks need of the bus."""

    async def owed(self, which: Stamp, limit: int = 100) -> list[Task]: ...

    async def call_back(self, child: Task, text: str) -> Task | Note | None: ...

    async def stamp(self, task_id: str, which: Stamp) -> None: ...

    async def leftovers_of_ended(self, limit: int = 100) -> list[Note]: ...

    async def ask_again(self, note: Note) -> Task | None: ...

    async def wait(self, timeout: float) -> bool: ...


class Callbacks:
    """Tells askers, each one once."""

    def __init__(self, bus: Endings, agents: Callable[[], Collection[str]]) -> None:
        self.bus = bus
        self.agents = agents  # asked anew each time: agents come and go with their files

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for task in await self.bus.owed(Stamp.CALLED_BACK, BATCH):
                await self.tell(task)
            for note in await self.bus.leftovers_of_ended(BATCH):
                await self.bus.ask_again(note)  # it came when its task had spoken its last word
            await unless(stop, self.bus.wait(IDLE_SECONDS))

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
    room = MAX_CHARS - len(head) - 100
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


def quotation(text: str) -> str:
    """Every line marked as quoted: what another agent wrote is material, not an order."""
    return "\n".join(f"> {line}" for line in text.splitlines())
