"""A house whose settings name a model for embeddings has vectors; away, the house goes on."""

from __future__ import annotations

import asyncio

from harness.app import App
from tests.doubles.ollama import OllamaDouble, Weights
from tests.flows.house import House

EMBED = Weights("embed:1b", capabilities=("embedding",))


def with_meanings(house: House, url: str) -> None:
    house.settings["models"]["embed"] = {"provider": "ollama", "model": "embed:1b"}
    house.settings["models"]["hosts"] = [{"name": "local", "url": url}]
    house.write()
    note = house.home.memory("scout") / "2026-01-05.md"
    note.parent.mkdir(parents=True)
    note.write_text("- the wind blows from the east\n- the sea is calm\n")


def vectors(app: App) -> int:
    tables = "SELECT count(*) FROM sqlite_master WHERE name = 'vectors'"
    count = "SELECT count(*) FROM vectors"
    return app.index.using(
        lambda db: int(db.execute(tables).fetchone()[0] and db.execute(count).fetchone()[0])
    )


async def test_a_running_house_makes_vectors_and_searches_with_them(house: House) -> None:
    house.agent("scout")
    async with OllamaDouble([EMBED]) as double:
        with_meanings(house, double.url)
        async with house.daemon() as app:
            await house.until(lambda: vectors(app) == 2, step=5)
            meant = await asyncio.to_thread(app.index.meaning, "wind")
            hits = await asyncio.to_thread(app.index.search, "wind", agent="scout")

    assert meant is not None
    assert hits[0].unit.text == "the wind blows from the east"


async def test_a_house_without_its_host_searches_by_words(house: House) -> None:
    house.agent("scout")
    with_meanings(house, "http://127.0.0.1:9")
    async with house.daemon() as app:
        await house.until(lambda: app.meanings.trouble is not None, step=5)
        hits = await asyncio.to_thread(app.index.search, "wind", agent="scout")

    assert [hit.unit.text for hit in hits][:1] == ["the wind blows from the east"]
