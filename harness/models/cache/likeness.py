"""Questions that mean nearly the same, by the cosine of their last messages. Off by default.

A near question is not the same question: one that asks for another number, name or day, or for
the opposite, may lie within any threshold. Who turns this on takes that risk (docs/limits.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from harness.clock import Clock
from harness.models.cache.question import Respondent, digest, room_of
from harness.models.cache.shelf import Kept, Shelf
from harness.models.embed import Embedder
from harness.models.port import ChatRequest, ModelError, Reply

if TYPE_CHECKING:
    from harness.config.settings import SemanticCache

log = structlog.get_logger("cache")

PATIENCE_SECONDS = 1.0  # for a vector: a question does not wait longer for a cheaper answer
AWAY_SECONDS = 60.0  # in which nobody is asked for vectors who gave none


@dataclass(frozen=True)
class Place:
    """Where a question lies: comparable with those of its room."""

    room: str
    vector: tuple[float, ...]


class Likeness:
    """Answers by what was asked, within one agent, model, system prompt and earlier talk."""

    def __init__(
        self, settings: SemanticCache, clock: Clock, embedder: Callable[[], Embedder | None]
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.embedder = embedder
        self.shelf = Shelf()
        self._away_until = float("-inf")  # monotonic

    async def place(self, who: Respondent, request: ChatRequest) -> Place | None:
        """Where the question lies; None where it cannot be said."""
        room, embedder = room_of(who, request), self.embedder()
        if room is None or embedder is None or self.clock.monotonic() < self._away_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                (vector,) = await embedder.embed([request.messages[-1].content])
        except (TimeoutError, ModelError, ValueError) as error:
            self._away_until = self.clock.monotonic() + AWAY_SECONDS
            log.info("questions are not compared", reason=str(error) or "no vector in time")
            return None
        return Place(f"{embedder.name} {room}", tuple(vector))

    def find(self, place: Place, now: float) -> Kept | None:
        """The nearest answer in the room that is near enough."""
        there = self.shelf.of_room(place.room, now)
        near = max(there, key=lambda each: cosine(place.vector, each[1].vector), default=None)
        if near is None or cosine(place.vector, near[1].vector) < self.settings.threshold:
            return None
        return self.shelf.get(near[0], now)

    def keep(self, place: Place, reply: Reply, now: float) -> None:
        until = now + self.settings.within.total_seconds()
        kept = Kept(reply, until, place.room, place.vector)
        self.shelf.put(digest(place.room, place.vector), kept)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two vectors of length 1; below any threshold for those of two sizes."""
    if len(one) != len(other):
        return -1.0
    return sum(a * b for a, b in zip(one, other, strict=True))
