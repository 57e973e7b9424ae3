"""Meanings: vectors for what the crew knows, made while nobody waits for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from datetime import timedelta
from sqlite3 import Connection

import structlog

from harness.clock import Clock
from harness.errors import HarnessError
from harness.memory.search import vectors
from harness.memory.search.index import Index
from harness.memory.search.vectors import Meant, Vector
from harness.models.embed import BATCH, Embedder
from harness.models.port import ModelError, ModelUnavailable
from harness.services.waiting import unless

log = structlog.get_logger("meanings")

LOOK_SECONDS = 60.0  # between two looks for texts that have none
BUSY_SECONDS = 1.0  # until the host is looked at again, when somebody waits for it
AWAY = timedelta(minutes=1)  # in which nobody is asked who did not answer
ASK_SECONDS = 1.0  # that a search waits for the meaning of its query


class Meanings:
    """Keeps the vectors of `index` complete, and tells it what a query means.

    Without a model in the settings, and while it is away, the search goes by words alone; that
    is said once.
    """

    def __init__(self, index: Index, embedder: Callable[[], Embedder | None], clock: Clock) -> None:
        self.index = index
        self.embedder = embedder
        self.clock = clock
        self.trouble: str | None = None
        self.away_until = clock.now()
        self.loop: asyncio.AbstractEventLoop | None = None
        index.meaning = self.of

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        self.loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                await unless(stop, self.clock.sleep(await self.step()))
        finally:
            self.loop = None

    async def step(self) -> float:
        """Make the vectors of one batch; for how many seconds to rest then."""
        embedder = self.embedder()
        if embedder is None:
            return LOOK_SECONDS
        if not embedder.is_idle:
            return BUSY_SECONDS
        try:
            more = await self.batch(embedder)
        except HarnessError as error:
            self.tell(error)
            return AWAY.total_seconds()
        self.trouble = None
        return 0.0 if more else LOOK_SECONDS

    async def batch(self, embedder: Embedder) -> bool:
        """Whether there was something to do. Raises ModelError, HarnessError."""
        name = embedder.name
        texts = await asyncio.to_thread(self.waiting, name)
        if not texts:
            return False
        made = await said(embedder, list(dict.fromkeys(texts.values())))
        await asyncio.to_thread(self.index.using, lambda db: vectors.keep(db, name, texts, made))
        return True

    def waiting(self, model: str) -> Mapping[int, str]:
        """What has no vector of this model; where all have one, what nobody says is dropped."""

        def look(db: Connection) -> Mapping[int, str]:
            vectors.prepare(db, model)
            found = vectors.waiting(db, BATCH)
            if not found:
                vectors.sweep(db)
            return found

        return self.index.using(look)

    def of(self, query: str) -> Meant | None:
        """What a query means, asked from the thread of a search; None: nobody can say it now."""
        embedder, loop = self.embedder(), self.loop
        if embedder is None or loop is None or in_loop() or not embedder.is_idle:
            return None
        if self.clock.now() < self.away_until:
            return None
        asked = asyncio.run_coroutine_threadsafe(embedder.embed([query]), loop)
        try:
            return Meant(embedder.name, asked.result(ASK_SECONDS)[0])
        except (ModelError, TimeoutError, CancelledError) as error:
            asked.cancel()
            self.tell(error)
            return None

    def tell(self, error: Exception) -> None:
        self.away_until = self.clock.now() + AWAY
        why = str(error) or f"no answer within {ASK_SECONDS:g} s"
        if self.trouble is None:
            log.warning("the search goes by words alone", reason=why)
        self.trouble = why


async def said(embedder: Embedder, texts: list[str]) -> dict[str, Vector]:
    """The vector of each text but those that the model refuses by themselves. Raises ModelError
    when it refuses all."""
    try:
        return dict(zip(texts, await embedder.embed(texts), strict=True))
    except ModelUnavailable:
        raise
    except ModelError as error:
        found = [(text, await alone(embedder, text)) for text in texts]
        if not any(vector for _, vector in found):
            raise
        log.warning("a text has no vector", reason=str(error))
        return {text: vector for text, vector in found if vector}


async def alone(embedder: Embedder, text: str) -> Vector | None:
    try:
        return (await embedder.embed([text]))[0]
    except ModelUnavailable:
        raise
    except ModelError:
        return None


def in_loop() -> bool:
    """Whether this is the thread of a loop, which must not wait for its own work."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
