"""Embeddings: what a text means, as a vector that lies near those of texts that mean the same."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.port import ModelError, ModelUnavailable

Vector = Sequence[float]  # of length 1, so that the product of two is their cosine

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
    """An embedding model of an Ollama server. Each batch waits for one of the host's slots."""

    def __init__(self, host: OllamaHost, model: str, timeouts: Timeouts | None = None) -> None:
        self.host = host
        self.model = model
        timeouts = timeouts or Timeouts()
        self.seconds = timeouts.load + timeouts.first_token  # of a batch; it may load the model
        self._closed = False
        host.join()

    @property
    def name(self) -> str:
        return f"ollama/{self.model}"

    @property
    def is_idle(self) -> bool:
        return not self.host.is_busy

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Raises ModelUnavailable, ModelMissing, ModelError."""
        vectors: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            vectors += await self._batch(texts[start : start + BATCH])
        return vectors

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self.host.leave()

    async def _batch(self, texts: Sequence[str]) -> list[Vector]:
        async with self.host.slots:
            try:
                async with asyncio.timeout(self.seconds):
                    found = await self.host.embed(self.model, texts)
            except TimeoutError:
                told = f"{self.model} at {self.host.base_url} gave no vectors"
                raise ModelUnavailable(f"{told} within {self.seconds:g} s") from None
        vectors = list(units_of(found))
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(sizes) > 1 or 0 in sizes:
            raise ModelError(
                f"{self.host.base_url} answered {len(texts)} texts with {len(vectors)} vectors of"
                f" {sorted(sizes)} numbers: {self.model} gives no embeddings"
            )
        return vectors


def units_of(vectors: Sequence[Sequence[float]]) -> Iterator[Vector]:
    """The vectors brought to length 1; one that has no length or no numbers is left out."""
    for vector in vectors:
        length = math.sqrt(sum(value * value for value in vector))
        if math.isfinite(length) and length > 0:
            yield [value / length for value in vector]
