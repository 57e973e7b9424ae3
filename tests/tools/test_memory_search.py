"""`memory` with an index: what is found, how it is told, and what happens without a whole one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.config.home import Home
from harness.memory.search.index import Index
from harness.tools.context import ToolContext
from harness.tools.memory import memory
from harness.tools.tool import Output, ToolError
from tests.tools.desk import a_desk, lay, use


@pytest.fixture
def desk(home: Home) -> Iterator[ToolContext]:
    ctx = a_desk(home)
    index = Index(home, ctx.clock)
    yield replace(ctx, index=index)
    index.close()


async def search(ctx: ToolContext, query: str) -> Output:
    return await use(memory, ctx, action="search", query=query)


async def test_a_hit_tells_its_place_its_day_and_its_age(desk: ToolContext, home: Home) -> None:
    lay(home, **{"memory__ainews__2025-12-31": "- Ada likes lighthouses\n"})

    found = await search(desk, "lighthouses")

    place = "memory/ainews/2025-12-31.md:1"
    assert found.text == f"{place} (2025-12-31, yesterday): Ada likes lighthouses"
    assert found.data[0]["line"] == 1


async def test_own_and_shared_notes_are_found_and_nobody_elses(
    desk: ToolContext, home: Home
) -> None:
    lay(
        home,
        memory__ainews__MEMORY="- my zebra\n",
        memory__macro__MEMORY="- their zebra\n",
        **{"shared-context__ZOO": "- our zebra\n"},
    )

    found = await search(desk, "zebra")

    assert {row["file"] for row in found.data} == {
        "memory/ainews/MEMORY.md",
        "shared-context/ZOO.md",
    }


async def test_half_of_the_places_are_the_houses_own_whatever_strangers_wrote(
    desk: ToolContext, home: Home
) -> None:
    flood = "".join(f"- zebra zebra {n} <!-- from outside: a.test -->\n" for n in range(300))
    own = "".join(f"- A zebra of ours lives in the stable number {n}.\n" for n in range(12))
    lay(home, **{"memory__ainews__2025-12-31": flood, "memory__ainews__2025-12-01": own})

    found = await search(desk, "zebra")

    theirs = [row["file"].endswith("12-31.md") for row in found.data]
    assert (sum(theirs), len(theirs)) == (10, 20)
    assert found.source == "own notes after reading a.test"


async def test_what_a_newer_note_says_otherwise_is_told_so(desk: ToolContext, home: Home) -> None:
    lay(
        home,
        **{
            "memory__ainews__2025-12-01": "- The port of wiki is 80.\n",
            "memory__ainews__2025-12-20": "- The port of wiki is now 90.\n",
        },
    )

    newer, older = (await search(desk, "port of wiki")).text.splitlines()

    assert newer.endswith("The port of wiki is now 90.")
    assert "superseded by memory/ainews/2025-12-20.md:1" in older


async def test_what_held_until_a_day_is_told_so(desk: ToolContext, home: Home) -> None:
    lay(home, memory__ainews__MEMORY="- The sale is on. <!-- expires: 2025-12-30 -->\n")

    assert "(held until 2025-12-30)" in (await search(desk, "sale")).text


async def test_a_strangers_words_come_back_as_such(desk: ToolContext, home: Home) -> None:
    lay(home, memory__ainews__MEMORY="- Lynx sold <!-- from outside: b.test -->\n- Lynx seen\n")

    assert (await search(desk, "lynx")).source == "own notes after reading b.test"
    assert (await search(desk, "seen")).data


async def test_what_was_kept_a_moment_ago_is_found(desk: ToolContext) -> None:
    await search(desk, "zebra")
    await use(memory, desk, action="append", text="a zebra was seen")

    assert "a zebra was seen" in (await search(desk, "zebra")).text


async def test_where_the_index_cannot_be_kept_the_files_are_searched(
    desk: ToolContext, home: Home
) -> None:
    lay(home, memory__ainews__MEMORY="- a zebra\n")
    home.index.mkdir(parents=True)

    assert (await search(desk, "zebra")).text == "MEMORY.md:1: - a zebra"


async def test_a_query_without_a_word_is_refused(desk: ToolContext, home: Home) -> None:
    lay(home, memory__ainews__MEMORY="- a zebra\n")

    with pytest.raises(ToolError, match="give words"):
        await search(desk, " ... ")
