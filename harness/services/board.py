"""The board: what the pool of models does right now, hung out as a file for other processes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from harness.clock import Clock, stamp
from harness.files import write_whole
from harness.services.waiting import unless

if TYPE_CHECKING:
    from harness.models.pool.state import PoolState

log = structlog.get_logger("board")

LOOK_SECONDS = 1.0
AGES = {"seconds": "since", "oldest": "since", "idle": "idle_since", "looked": "looked_at"}


class Board:
    """Writes the state of the pool when it changed, once a second at most. It fails nobody."""

    def __init__(self, path: Path, state: Callable[[], PoolState], clock: Clock) -> None:
        self.path = path
        self.state = state
        self.clock = clock
        self._hung: str = ""
        self._trouble: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop; then nothing hangs there any more."""
        while not stop.is_set():
            await self.step()
            await unless(stop, self.clock.sleep(LOOK_SECONDS))
        self.path.unlink(missing_ok=True)

    async def step(self) -> None:
        """Hang out the state, unless it hangs there."""
        text = json.dumps(shape_of(self.state(), self.clock.now()))
        if text == self._hung:
            return
        try:
            await asyncio.to_thread(write_whole, self.path, text, durable=False)
        except OSError as error:
            self._tell(str(error))
            return
        self._hung, self._trouble = text, None

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("what the pool does cannot be shown", reason=trouble)
        self._trouble = trouble


def shape_of(state: PoolState, now: datetime) -> dict[str, Any]:
    """The state as data, with times in the place of ages: it is the same as long as nothing
    changes."""
    whole = dated(asdict(state), now)
    return {"pid": os.getpid(), **whole}


def dated(value: Any, now: datetime) -> Any:
    if isinstance(value, Mapping):
        return dict(entry(key, each, now) for key, each in value.items())
    if isinstance(value, list | tuple):
        return [dated(each, now) for each in value]
    return value


def entry(key: str, value: Any, now: datetime) -> tuple[str, Any]:
    if key not in AGES:
        return key, dated(value, now)
    if value is None:
        return AGES[key], None
    then = now - timedelta(seconds=value) + timedelta(milliseconds=500)
    return AGES[key], stamp(then.replace(microsecond=0))
