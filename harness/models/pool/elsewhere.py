"""A call whose host fails begins anew at another, before anybody falls back to another model."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from harness.models.pool.pool import Pool
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.trouble import none_of
from harness.models.port import ModelError, ModelUnavailable

T = TypeVar("T")

log = structlog.get_logger("pool")


async def serve_somewhere(
    pool: Pool,
    wish: Wish,
    work: Callable[[Slot], Coroutine[Any, Any, T]],
    void: Callable[[], None] = lambda: None,
) -> T:
    """What `work` makes of a slot; while it raises ModelUnavailable, of one at the next host that
    may serve the wish. `void` is called before it begins anew.

    Each host is asked once at most. Raises what `Pool.serve` does, with each host's reason.
    """
    failed: dict[str, ModelError] = {}
    while True:
        asked: list[str] = []

        async def noted(slot: Slot, asked: list[str] = asked) -> T:
            asked.append(slot.host.name)
            return await work(slot)

        try:
            return await pool.serve(wish, noted, void)
        except ModelUnavailable as error:
            failed[asked[-1] if asked else ""] = error
            others = pool.others(wish, failed) if asked else frozenset()
            if not others:
                raise none_of(list(failed.values())) from error
            log.warning(
                "a host failed, another is asked",
                host=asked[-1],
                model=wish.spec.model,
                reason=str(error),
            )
            wish = replace(wish, hosts=others)
            void()
