"""Embeddings within the GPU's time of a day: written down, and refused where none is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta, tzinfo

import pytest

from harness.clock import FakeClock, settle
from harness.config.settings import LimitSettings
from harness.models.books import Books
from harness.models.embed import Vector
from harness.models.ledger.call import CallOutcome
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits
from harness.models.metered_embedder import MeteredEmbedder
from harness.models.port import ModelUnavailable, OverLimit
from tests.models.test_metered import Remembered


def nothing_yet(day: date, zone: tzinfo) -> Mapping[str, Amount]:
    return {}


class Slow:
    """Takes so many seconds for its vectors."""

    name = "ollama/embed"
    is_idle = True

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.error: Exception | None = None

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.error is not None:
            raise self.error
        await self.clock.sleep(self.seconds)
        return [(1.0,)] * len(texts)

    async def aclose(self) -> None:
        pass


class House:
    """An embedder with books and a limit on the GPU's time."""

    def __init__(self, seconds: float, gpu: timedelta) -> None:
        self.clock = FakeClock()
        self.ledger = Remembered()
        settings = LimitSettings(tokens=10, agent=10, gpu=gpu)
        self.limits = Limits(settings, nothing_yet, self.clock, UTC)
        self.slow = Slow(self.clock, seconds)
        books = Books(self.ledger, self.limits)
        self.embedder = MeteredEmbedder(self.slow, books, self.clock)

    async def embed(self) -> list[Vector]:
        asking = asyncio.create_task(
            self.embedder.embed(["a text of forty characters or about so"])
        )
        await settle()
        await self.clock.advance(self.slow.seconds)
        return await asking

    @property
    def gpu(self) -> tuple[float, float]:
        (standing,) = [each for each in self.limits.standing() if each.limit.kind == "gpu"]
        return standing.used, standing.held


async def test_the_time_of_embeddings_counts_and_their_tokens_do_not() -> None:
    house = House(seconds=40, gpu=timedelta(minutes=1))

    await house.embed()

    (call,) = house.ledger.calls
    assert (call.outcome, call.gpu_s) == (CallOutcome.DONE, 40)
    assert house.gpu == (40, 0)
    assert [each.used for each in house.limits.standing() if each.limit.kind == "tokens"] == [0]


async def test_without_time_left_nothing_is_embedded() -> None:
    house = House(seconds=40, gpu=timedelta(minutes=1))
    await house.embed()

    with pytest.raises(OverLimit, match=r"GPU time"):
        await house.embed()

    assert [call.outcome for call in house.ledger.calls] == [
        CallOutcome.DONE,
        CallOutcome.OVER_LIMIT,
    ]
    assert house.ledger.calls[1].prompt_tokens == 0


async def test_vectors_that_never_came_cost_nothing() -> None:
    house = House(seconds=0, gpu=timedelta(minutes=1))
    house.slow.error = ModelUnavailable("it is away")

    with pytest.raises(ModelUnavailable):
        await house.embedder.embed(["one"])

    assert house.gpu == (0, 0)


async def test_a_request_that_is_cancelled_holds_nothing() -> None:
    house = House(seconds=40, gpu=timedelta(minutes=1))
    asking = asyncio.create_task(house.embedder.embed(["one"]))
    await settle()
    held = house.gpu[1]

    asking.cancel()
    await settle()

    assert held > 0
    assert house.gpu == (0, 0)
