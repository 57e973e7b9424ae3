"""Vectors are made in the background over the double of a server; a search never needs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.memory.search.index import Index
from harness.models.embed import BATCH, OllamaEmbedder, Vector
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.models.port import ModelError
from harness.services.meanings import AWAY, LOOK_SECONDS, Meanings
from tests.doubles.ollama import OllamaDouble, Weights

EMBED = Weights("embed:1b", capabilities=("embedding",))


def note(home: Home, *texts: str) -> None:
    path = home.memory("scout") / "2026-11-18.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"- {text}\n" for text in texts))


@asynccontextmanager
async def at_work(home: Home, url: str, model: str = "embed:1b") -> AsyncIterator[Meanings]:
    """Meanings in a loop of which the search is no part; its service does not run by itself."""
    embedder = OllamaEmbedder(Pool([OllamaHost(url)]), model)
    clock = FakeClock()
    meanings = Meanings(Index(home, clock), lambda: embedder, clock)
    meanings.loop = asyncio.get_running_loop()
    try:
        yield meanings
    finally:
        await embedder.aclose()
        meanings.index.close()


async def found(meanings: Meanings, query: str) -> list[str]:
    hits = await asyncio.to_thread(meanings.index.search, query)
    return [hit.unit.text for hit in hits]


def kept(meanings: Meanings) -> int:
    count = meanings.index.using(lambda db: db.execute("SELECT count(*) FROM vectors").fetchone())
    return int(count[0])


async def test_vectors_are_made_batch_by_batch_until_all_have_one(home: Home) -> None:
    note(home, *(f"number {n}" for n in range(BATCH + 3)))
    async with OllamaDouble([EMBED]) as double, at_work(home, double.url) as meanings:
        meanings.index.sync()

        rests = [await meanings.step() for _ in range(3)]

        assert rests == [0.0, 0.0, LOOK_SECONDS]
        assert kept(meanings) == BATCH + 3


async def test_the_meaning_of_a_query_is_asked_and_words_still_find(home: Home) -> None:
    note(home, "the wind blows", "the sea is calm")
    async with OllamaDouble([EMBED]) as double, at_work(home, double.url) as meanings:
        meanings.index.sync()
        await meanings.step()

        meant = await asyncio.to_thread(meanings.of, "wind")

        assert meant is not None
        assert meant.model == "ollama/embed:1b"
        assert (await found(meanings, "wind"))[0] == "the wind blows"


async def test_what_nobody_says_any_more_has_no_vector(home: Home) -> None:
    note(home, "one", "two")
    async with OllamaDouble([EMBED]) as double, at_work(home, double.url) as meanings:
        meanings.index.sync()
        await meanings.step()
        note(home, "two")
        meanings.index.sync()

        await meanings.step()

        assert kept(meanings) == 1


async def test_a_host_that_is_away_leaves_the_search_to_words_and_is_told_once(
    home: Home, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    note(home, "the wind blows")
    async with at_work(home, "http://127.0.0.1:9") as meanings:
        first = await found(meanings, "wind")
        second = await found(meanings, "wind")
        rest = await meanings.step()

        assert first == second == ["the wind blows"]
        assert rest == AWAY.total_seconds()
        assert "nothing answers" in (meanings.trouble or "")
    said = capsys.readouterr()
    assert (said.out + said.err + caplog.text).count("by words alone") == 1


async def test_a_model_that_is_not_there_is_told_with_what_to_do(home: Home) -> None:
    note(home, "the wind blows")
    async with OllamaDouble([EMBED]) as double, at_work(home, double.url, "other") as meanings:
        meanings.index.sync()

        await meanings.step()

        assert "has no model other" in (meanings.trouble or "")


async def test_nobody_is_asked_while_somebody_waits_for_the_host(home: Home) -> None:
    note(home, "the wind blows")
    async with OllamaDouble([EMBED]) as double, at_work(home, double.url) as meanings:
        meanings.index.sync()
        embedder = meanings.embedder()
        assert isinstance(embedder, OllamaEmbedder)
        async with embedder.pool.slot(embedder.wish):
            await meanings.step()

            assert await asyncio.to_thread(meanings.of, "wind") is None
            assert await found(meanings, "wind") == ["the wind blows"]
        assert meanings.trouble is None


async def test_without_a_model_in_the_settings_nothing_is_asked(home: Home) -> None:
    note(home, "the wind blows")
    meanings = Meanings(Index(home, FakeClock()), lambda: None, FakeClock())

    assert await meanings.step() == LOOK_SECONDS
    assert await found(meanings, "wind") == ["the wind blows"]
    meanings.index.close()


class Picky:
    """An embedder that refuses one text, as a server does that stumbles over it."""

    name = "picky/one"
    is_idle = True

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if "bad" in texts:
            raise ModelError("no vector for this text")
        return [[1.0, 0.0] for _ in texts]

    async def aclose(self) -> None:
        pass


async def test_a_text_that_the_model_refuses_keeps_no_other_from_its_vector(home: Home) -> None:
    note(home, "bad", "good", "better")
    clock = FakeClock()
    meanings = Meanings(Index(home, clock), Picky, clock)
    meanings.index.sync()

    rests = [await meanings.step(), await meanings.step()]

    assert rests == [0.0, LOOK_SECONDS]
    assert kept(meanings) == 2
    meanings.index.close()


async def test_a_stop_ends_the_service(home: Home) -> None:
    meanings = Meanings(Index(home, FakeClock()), lambda: None, FakeClock())
    stop = asyncio.Event()
    running = asyncio.create_task(meanings.run(stop))
    await asyncio.sleep(0)

    stop.set()

    await asyncio.wait_for(running, 5)
    assert meanings.loop is None
