"""Embeddings: what a text means, as a vector that lies near those of texts that mean the same."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol

from harness.config.priority import Priority
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.view import Spec
from harness.models.port import Asker, ModelError, ModelUnavailable

Vector = Sequence[float]  # of length 1, so that the product of two is their cosine

ASKER = Asker(purpose="embed", priority=Priority.P2)
BATCH = 32  # texts of one request: the next one may go to somebody who waits for an answer


class Embedder(Protocol):
    """Something that says what texts mean. Like a model, it never retries by itself."""

    @property
    def name(self) -> str:
        """`provider/model`; vectors of two names cannot be compared."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether nobody of the house waits for what it runs on."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in their order. Raises a ModelError."""
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


class OllamaEmbedder:
    """An embedding model of the pool. Each batch waits for a slot, behind everything else."""

    def __init__(self, pool: Pool, model: str, hosts: frozenset[str] | None = None) -> None:
        self.pool = pool
        self.model = model
        # the server has one slot for such a model, whatever it is told (wire facts)
        self.wish = Wish(Spec(model, 0), hosts, ASKER, limit=1, embeds=True)
        self._closed = False
        pool.join()

    @property
    def name(self) -> str:
        return f"ollama/{self.model}"

    @property
    def is_idle(self) -> bool:
        return self.pool.is_idle(self.wish.hosts)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Raises ModelUnavailable, ModelMissing, ModelError."""
        vectors: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            vectors += await self._batch(texts[start : start + BATCH])
        return vectors

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self.pool.leave()

    async def _batch(self, texts: Sequence[str]) -> list[Vector]:
        server, found = await self.pool.serve(self.wish, partial(self._ask, texts))
        vectors = list(units_of(found))
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(sizes) > 1 or 0 in sizes:
            raise ModelError(
                f"{server} answered {len(texts)} texts with {len(vectors)} vectors of"
                f" {sorted(sizes)} numbers: {self.model} gives no embeddings"
            )
        return vectors

    async def _ask(self, texts: Sequence[str], slot: Slot) -> tuple[str, list[Sequence[float]]]:
        """The address of who answered, and the vectors as they came."""
        host, timeouts = slot.host, self.pool.timeouts
        seconds = timeouts.load + timeouts.first_token  # should somebody have evicted the model
        try:
            async with asyncio.timeout(seconds):
                return host.base_url, await host.embed(self.model, texts)
        except TimeoutError:
            told = f"{self.model} at {host.base_url} gave no vectors"
            raise ModelUnavailable(f"{told} within {seconds:g} s") from None


def units_of(vectors: Sequence[Sequence[float]]) -> Iterator[Vector]:
    """The vectors brought to length 1; one that has no length or no numbers is left out."""
    for vector in vectors:
        length = math.sqrt(sum(value * value for value in vector))
        if math.isfinite(length) and length > 0:
            yield [value / length for value in vector]
