"""The courier: brings every final to the channels it is meant for, and notes that it did.

A crash between the hand-over and the note brings the same final again; a channel does not
take it twice. A channel that fails holds up no other, and no other task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Protocol

import structlog

from harness.bus.port import RETRY_LADDER, Delivery, DeliveryState, Stamp, Task
from harness.clock import Clock
from harness.delivery.channels import Channel, ChannelMissing, Missing
from harness.services.waiting import unless

log = structlog.get_logger("courier")

BATCH = 50  # finals of one round, besides those that rest
IDLE_SECONDS = 5.0
MAX_ATTEMPTS = 1 + len(RETRY_LADDER)  # of one final on one channel


class Outbox(Protocol):
    """What the courier needs of the bus."""

    async def owed(self, which: Stamp, limit: int = 100) -> list[Task]: ...

    async def begin_delivery(self, task_id: str, channel: str) -> Delivery | None: ...

    async def finish_delivery(
        self, task_id: str, channel: str, state: DeliveryState, note: str | None = None
    ) -> Delivery: ...

    async def stamp(self, task_id: str, which: Stamp) -> None: ...

    async def wait(self, timeout: float) -> bool: ...


class Courier:
    """Delivers what is owed, oldest first."""

    def __init__(self, bus: Outbox, channels: Mapping[str, Channel], clock: Clock) -> None:
        self.bus = bus
        self.channels = channels
        self.clock = clock
        self.again_at: dict[tuple[str, str], datetime] = {}  # (task, channel) that failed, resting

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop; a hand-over under way is brought to its end."""
        while not stop.is_set():
            owed = await self.bus.owed(Stamp.DELIVERED, BATCH + len(self.again_at))
            self.forget_all_but({task.id for task in owed})
            for task in owed:
                if stop.is_set():
                    break
                await self.bring(task)
            await unless(stop, self.bus.wait(self.patience()))

    async def bring(self, task: Task) -> None:
        """Offer a final to its channels, and stamp it once all of them are settled."""
        if not is_silent(task):
            offers = [await self.offer(task, name) for name in task.deliver]
            if not all(offers):
                return
        await self.bus.stamp(task.id, Stamp.DELIVERED)

    async def offer(self, task: Task, name: str) -> bool:
        """Try one channel, unless it rests; True when it is settled, for good or for bad."""
        rests_until = self.again_at.get((task.id, name))
        if rests_until is not None and self.clock.now() < rests_until:
            return False
        delivery = await self.bus.begin_delivery(task.id, name)
        if delivery is None:
            return True
        self.again_at.pop((task.id, name), None)
        channel = self.channels.get(name) or Missing(name, self.channels)
        try:
            receipt = await channel.deliver(task)
        except Exception as error:  # the boundary: a channel may fail in any way
            return await self.put_off(delivery, error)
        await self.bus.finish_delivery(task.id, name, DeliveryState.SENT, receipt)
        log.info("delivered", task=task.id, agent=task.agent, channel=name, receipt=receipt)
        return True

    async def put_off(self, delivery: Delivery, error: Exception) -> bool:
        """Note a failed attempt; True when it was the last one."""
        why = str(error) or type(error).__name__
        last = isinstance(error, ChannelMissing) or delivery.attempts >= MAX_ATTEMPTS
        state = DeliveryState.FAILED if last else DeliveryState.PENDING
        await self.bus.finish_delivery(delivery.task, delivery.channel, state, why)
        if not last:
            pause = RETRY_LADDER[delivery.attempts - 1]
            self.again_at[delivery.task, delivery.channel] = self.clock.now() + pause
        log.warning(
            "not delivered",
            task=delivery.task,
            channel=delivery.channel,
            attempt=delivery.attempts,
            state=str(state),
            reason=why,
        )
        return last

    def forget_all_but(self, owed: Set[str]) -> None:
        self.again_at = {key: at for key, at in self.again_at.items() if key[0] in owed}

    def patience(self) -> float:
        """Seconds until a channel is to be tried again, at most the idle limit."""
        rests = [(at - self.clock.now()).total_seconds() for at in self.again_at.values()]
        return min([IDLE_SECONDS, *(max(rest, 0.0) for rest in rests)])


def is_silent(task: Task) -> bool:
    """An answer without text is for nobody: the agent had nothing to say."""
    return task.result is None or not task.result.text.strip()
