"""What is outside of the daemon and outlives its crashes: agents' deeds, a mailbox, a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from harness.bus.port import EffectState, Outcome, Request, Result, Stamp, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.session.steps import Ended, Reason

AGENTS = ("scout", "clerk", "zoe")
CAP = 1


class World:
    """Agents answer as the dice fall. `broken` are promises that did not hold meanwhile: the
    dispatcher would take an exception for a session's own."""

    def __init__(self, dice: Random, clock: Clock) -> None:
        self.dice, self.clock = dice, clock
        self.calm = False  # no more accidents: what is open comes to its end
        self.at_work: Counter[str] = Counter()
        self.deeds: Counter[tuple[str, str]] = Counter()  # calls that must not be made twice
        self.mailbox: Counter[str] = Counter()  # pages of the channel, by task
        self.doers: set[str] = set()  # tasks that want such a call
        self.resent: set[str] = set()
        self.broken: list[str] = []
        self.bus: SqliteBus | None = None  # of the daemon that lives now

    def lanes(self) -> dict[str, int]:
        return dict.fromkeys(AGENTS, CAP)

    async def answer(self, task: Task, cancel: asyncio.Event) -> Ended:
        """The dispatcher's `Answer`: one session."""
        self.at_work[task.lane] += 1
        if self.at_work[task.lane] > CAP:
            self.broken.append(f"{task.lane} works on {self.at_work[task.lane]} tasks at once")
        try:
            return await self.work(task, cancel)
        finally:
            self.at_work[task.lane] -= 1

    async def work(self, task: Task, cancel: asyncio.Event) -> Ended:
        fate = self.dice.random()
        if await self.is_stopped(cancel, self.dice.choice((0.0, 1.0, 8.0, 45.0, 100.0))):
            return Ended(Reason.CANCELLED, Outcome.CANCELLED, Result())
        if task.id in self.doers:  # an agent that begins anew comes the same way
            await self.do_once(task)
        if self.calm or fate < 0.45:
            return done()
        if fate < 0.55:
            return Ended(Reason.MODEL_UNAVAILABLE, Outcome.FAILED, Result(), "away", retry=True)
        if fate < 0.6:
            raise ValueError("a session broke")
        if fate < 0.65:
            return Ended(Reason.MODEL_ERROR, Outcome.FAILED, Result(), "refused")
        if fate < 0.8:
            await self.ask(task)
        else:
            await self.do_once(task)
        return done()

    async def is_stopped(self, cancel: asyncio.Event, seconds: float) -> bool:
        waiting = asyncio.ensure_future(cancel.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()
        return cancel.is_set()

    async def ask(self, task: Task) -> None:
        others = [agent for agent in AGENTS if agent != task.agent]
        wish = Request(
            agent=self.dice.choice(others),
            prompt="Help.",
            sender=task.agent,
            parent=task.id,
            callback=True,
            key=f"ask:{task.id}",
            max_attempts=3,
        )
        assert self.bus is not None
        await self.bus.request(wish)

    async def do_once(self, task: Task) -> None:
        assert self.bus is not None
        self.doers.add(task.id)
        effect, may = await self.bus.begin_effect(task, "call", "post")
        if not may and effect.state is not EffectState.DONE:
            self.broken.append(f"{task.id} was tried again although nobody knows what it did")
        if may:
            await self.clock.sleep(self.dice.choice((0.0, 3.0, 20.0)))
            self.deeds[task.id, "call"] += 1
            await self.clock.sleep(self.dice.choice((0.0, 3.0, 20.0)))
            await self.bus.finish_effect(task, "call", "posted")

    async def deliver(self, task: Task) -> str:
        """A channel that knows a page by its task, as the archive does."""
        await self.clock.sleep(self.dice.choice((0.0, 0.5)))
        if not self.calm and self.dice.random() < 0.1:
            raise OSError("no such folder")
        self.mailbox[task.id] = 1
        await self.clock.sleep(self.dice.choice((0.0, 0.5)))
        return task.id


def done() -> Ended:
    return Ended(Reason.COMPLETED, Outcome.DONE, Result(text="Here it is."))


def unfinished(bus: SqliteBus) -> list[Task]:
    """What is still to come to its end, or to be handed over."""
    open_tasks = [t for s in (State.REQUEST, State.CONFIRMED) for t in bus.reader.tasks(state=s)]
    return open_tasks + bus.reader.owed(Stamp.DELIVERED) + bus.reader.owed(Stamp.CALLED_BACK)
