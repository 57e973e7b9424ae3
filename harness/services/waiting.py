"""Waiting that a stop ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def unless(stop: asyncio.Event, wait: Coroutine[Any, Any, object]) -> None:
    """Return when `wait` does, or as soon as `stop` is set; then `wait` is cancelled."""
    waiting = asyncio.ensure_future(wait)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pending in (waiting, stopping):
            pending.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)
    if not waiting.cancelled() and (error := waiting.exception()):
        raise error
