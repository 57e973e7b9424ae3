"""Many things at once, and an end: who is not done by then is left behind, not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

Answer = TypeVar("Answer")


async def within(
    seconds: float, jobs: Sequence[Coroutine[Any, Any, Answer]]
) -> list[Answer | None]:
    """What each job gives, in the order of `jobs`; None for one cut off after `seconds`.

    What a job raises is raised, once all the others are stopped.
    """
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        return [task.result() if task.done() else None for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
