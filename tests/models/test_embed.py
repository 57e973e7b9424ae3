"""Embeddings over the double of the server: vectors in order, in batches, and its errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import mul

import pytest

from harness.models.embed import BATCH, OllamaEmbedder, Vector, units_of
from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.pool.pool import Pool
from harness.models.port import ModelMissing, ModelUnavailable
from tests.doubles.ollama import OllamaDouble, Weights

WEIGHTS = Weights("embed:1b", capabilities=("embedding",))
QUICK = Timeouts(load=0.3, first_token=0.2, idle=5.0, look=0.01)


@asynccontextmanager
async def embedding(
    double: OllamaDouble, model: str = "embed:1b", timeouts: Timeouts | None = None
) -> AsyncIterator[OllamaEmbedder]:
    embedder = OllamaEmbedder(Pool([OllamaHost(double.url)], timeouts=timeouts), model)
    try:
        yield embedder
    finally:
        await embedder.aclose()


def near(left: Vector, right: Vector) -> float:
    return float(sum(map(mul, left, right)))


async def test_each_text_has_a_vector_in_the_order_of_the_texts() -> None:
    texts = [f"number {n}" for n in range(2 * BATCH + 1)]
    async with OllamaDouble([WEIGHTS]) as double, embedding(double) as embedder:
        vectors = await embedder.embed(texts)
        alone = [(await embedder.embed([text]))[0] for text in texts[:: BATCH - 1]]

    assert len(vectors) == len(texts)
    assert alone == vectors[:: BATCH - 1]
    assert near(vectors[0], vectors[0]) == pytest.approx(1.0)


async def test_no_texts_ask_nobody() -> None:
    embedder = OllamaEmbedder(Pool([OllamaHost("http://127.0.0.1:9")]), "embed:1b")

    assert await embedder.embed([]) == []
    await embedder.aclose()


async def test_a_model_that_is_not_there_is_missing() -> None:
    async with OllamaDouble([WEIGHTS]) as double, embedding(double, "other") as embedder:
        with pytest.raises(ModelMissing, match="has no model other"):
            await embedder.embed(["a"])


async def test_a_server_that_is_away_is_told() -> None:
    embedder = OllamaEmbedder(Pool([OllamaHost("http://127.0.0.1:9")]), "embed:1b")

    with pytest.raises(ModelUnavailable, match="nothing answers"):
        await embedder.embed(["a"])
    await embedder.aclose()


async def test_a_model_that_takes_too_long_is_unavailable() -> None:
    slow = Weights("embed:1b", capabilities=("embedding",), load_seconds=5.0)
    async with OllamaDouble([slow]) as double, embedding(double, timeouts=QUICK) as embedder:
        with pytest.raises(ModelUnavailable, match=r"0\.3 s, the time for loading"):
            await embedder.embed(["a"])


async def test_the_host_is_idle_while_nobody_holds_its_slots() -> None:
    async with OllamaDouble([WEIGHTS]) as double, embedding(double) as embedder:
        assert embedder.is_idle
        async with embedder.pool.slot(embedder.wish):
            assert not embedder.is_idle
        assert embedder.is_idle


def test_a_vector_is_brought_to_length_one_and_an_empty_one_left_out() -> None:
    assert list(units_of([[3.0, 4.0], [0.0, 0.0], [float("nan"), 1.0], []])) == [[0.6, 0.8]]
