"""One call with its slot, until it is over or the slot is taken away from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from harness.models.pool.seat import Slot
from harness.models.port import ModelError

T = TypeVar("T")


class TakenAway(Exception):
    """The slot went to a more urgent call."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot.id)
        self.slot = slot


async def answered(
    slot: Slot, work: Callable[[Slot], Coroutine[Any, Any, T]], *, may_yield: bool
) -> T:
    """What `work` makes of its slot. Raises what it raises, and TakenAway when it `may_yield` and
    was cancelled for the sake of a more urgent call."""
    task = asyncio.create_task(work(slot), name=f"call {slot.id}")
    if may_yield:
        slot.on_sent_back = task.cancel
    await ended(task, slot)
    if slot.is_sent_back and has_failed(task):
        raise TakenAway(slot)
    return task.result()


def has_failed(task: asyncio.Task[Any]) -> bool:
    """Whether a call that is over has no answer: it was cancelled, or broke as it was."""
    return task.cancelled() or isinstance(task.exception(), ModelError)


async def ended(task: asyncio.Task[T], slot: Slot) -> None:
    """Wait for the end of a call. When we are cancelled, so is the call, once in all: a second time
    would break into the closing of its connection, and the server would go on with the answer."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        slot.on_sent_back = None
        if not slot.is_sent_back:
            task.cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # it is of no use to anybody now
        raise
