"""The answers of the last hour, given again to the same question; one call for all who ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clock import Clock
from harness.config.priority import Priority
from harness.models.cache.likeness import Likeness, Place
from harness.models.cache.question import Respondent, is_repeatable, key_of
from harness.models.cache.shelf import Kept, Shelf
from harness.models.embed import Embedder
from harness.models.port import ChatRequest, Reply

if TYPE_CHECKING:
    from harness.config.settings import CacheSettings

Ask = Callable[[], Awaitable[Reply]]


def no_embedder() -> Embedder | None:
    """For a house without a model for embeddings."""
    return None


@dataclass
class Flight:
    """A call under way, for which others with the same question wait."""

    priority: Priority
    landed: asyncio.Event = field(default_factory=asyncio.Event)
    taken_away: bool = False  # before there was an answer: another may take over


class Cache:
    """`answer` brings the answer from here, or asks and keeps it.

    In memory only: what agents are told and say is private, and a file of it would be one more
    place to guard. It is lost with the process, and with a change of the models' settings.
    """

    def __init__(
        self,
        settings: CacheSettings,
        clock: Clock,
        embedder: Callable[[], Embedder | None] = no_embedder,
    ) -> None:
        self.seconds = settings.exact.total_seconds() if settings.exact else 0.0
        self.clock = clock
        self.shelf = Shelf()
        semantic = settings.semantic
        self.likeness = Likeness(semantic, clock, embedder) if semantic else None
        self._flights: dict[str, Flight] = {}

    async def answer(self, who: Respondent, request: ChatRequest, ask: Ask) -> Reply:
        """The answer of `who`, who is asked by `ask` where need be. Raises what `ask` does."""
        if not is_repeatable(who, request):
            return await ask()
        if self.seconds <= 0:
            return await self._by_likeness(who, request, ask)
        key = key_of(who, request)
        while (kept := self.shelf.get(key, self.clock.monotonic())) is None:
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key, who, request, ask)
            if request.asker.priority < flight.priority:
                break  # its call waits behind others whom this one need not wait for
            await flight.landed.wait()
            if not flight.taken_away and self._is_missing(key):
                break  # it failed, or is not to be given again: no use in asking one by one
        return kept.again if kept else await self._ask(key, who, request, ask)

    async def _lead(self, key: str, who: Respondent, request: ChatRequest, ask: Ask) -> Reply:
        flight = self._flights[key] = Flight(request.asker.priority)
        try:
            return await self._ask(key, who, request, ask)
        except asyncio.CancelledError:
            flight.taken_away = True
            raise
        finally:
            del self._flights[key]
            flight.landed.set()

    async def _ask(self, key: str, who: Respondent, request: ChatRequest, ask: Ask) -> Reply:
        reply = await self._by_likeness(who, request, ask)
        if is_whole(reply):
            until = self.clock.monotonic() + self.seconds
            self.shelf.put(key, Kept(reply, until))
        return reply

    async def _by_likeness(self, who: Respondent, request: ChatRequest, ask: Ask) -> Reply:
        place = await self.likeness.place(who, request) if self.likeness else None
        if self.likeness is None or place is None:
            return await ask()
        return await self._near(self.likeness, place, ask)

    async def _near(self, likeness: Likeness, place: Place, ask: Ask) -> Reply:
        if (kept := likeness.find(place, self.clock.monotonic())) is not None:
            return kept.again
        reply = await ask()
        if is_whole(reply):
            likeness.keep(place, reply, self.clock.monotonic())
        return reply

    def _is_missing(self, key: str) -> bool:
        return self.shelf.get(key, self.clock.monotonic()) is None


def is_whole(reply: Reply) -> bool:
    """Whether it may be given again: an answer in words, not cut off, and asked for just now."""
    said = reply.message
    ended = reply.finish == "stop" and not reply.degraded and not reply.cached
    return ended and bool(said.content.strip()) and not said.tool_calls
