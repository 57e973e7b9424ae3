"""`rss`: what is new in an agent's feeds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.home import Home
from harness.config.sources import Source
from harness.network.address import Refused
from harness.tools.context import ToolContext
from harness.tools.feed_parse import Item
from harness.tools.feeds import Reading
from harness.tools.rss import rss, select
from harness.tools.tool import ToolError
from tests.doubles.feed_server import FeedServer
from tests.tools.conftest import NOW, write_sources
from tests.tools.using import use

KEYS = ["title", "url", "source", "published", "weight", "summary", "tags"]


async def call(ctx: ToolContext, **arguments: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    output = await use(rss, ctx, arguments)
    head, *rows = [json.loads(line) for line in output.text.splitlines()]
    assert json.loads(json.dumps(output.data)) == [head, *rows]
    return head, rows


async def test_all_feeds_of_the_list_are_read(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    write_sources(home, server.sources())

    head, rows = await call(ctx, limit=60)

    assert head["feeds"] == len(server.sources())
    assert head["answered"] + len(head["failed"]) == head["feeds"]
    assert head["items"] == len(rows) == 60
    assert {"name": "Gone", "error": "410 Gone"} in head["failed"]
    assert all(list(row) == KEYS for row in rows)
    assert len({row["source"] for row in rows}) >= 25


async def test_a_prolific_feed_crowds_out_nobody(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    write_sources(home, server.sources(healthy=True))

    _, rows = await call(ctx, limit=60)

    assert sum(row["source"] == "Firehose" for row in rows) < 10
    dates = [row["published"] or "" for row in rows]
    assert dates == sorted(dates, reverse=True)


async def test_one_source_by_its_name_or_its_address(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    write_sources(home, server.sources())

    by_name = await call(ctx, source="release watch")
    by_address = await call(ctx, source=server.url("/atom10.xml"))
    unlisted = await call(ctx, source=server.url("/rss20.xml?x=1"))

    assert by_name == by_address
    assert by_name[0]["feeds"] == 1
    assert {row["weight"] for row in by_name[1]} == {2.0}
    assert unlisted[1][0]["source"] == "127.0.0.1"


async def test_a_name_that_is_not_there_gets_a_suggestion(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    write_sources(home, server.sources())

    with pytest.raises(ToolError, match="did you mean `Release Watch`"):
        await call(ctx, source="Relase Watch")
    with pytest.raises(ToolError, match="known: all, Machine Room"):
        await call(ctx, source="zzz")


async def test_a_private_address_is_refused_and_told(ctx: ToolContext) -> None:
    head, rows = await call(ctx, source="http://169.254.169.254/feed")

    assert rows == []
    assert "not public" in head["failed"][0]["error"]
    with pytest.raises(Refused, match="user name"):
        await call(ctx, source="http://me@example.org/feed")


async def test_age_and_words_narrow_it_down(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    write_sources(home, server.sources(healthy=True))

    _, recent = await call(ctx, source="Machine Room", since_hours=6)
    _, about = await call(ctx, query="tokenizer garment", limit=200)

    assert [row["title"][:9] for row in recent] == ["Ollama 0.", "Granite 5"]
    pages = {row["url"].rpartition("/")[2] for row in about}
    assert pages == {"tokenizer-hole", "robot-laundry"}


async def test_faults_of_the_list_are_told_with_their_place(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    good, other = server.sources(healthy=True)[:2]
    write_sources(home, [good, other | {"weight": "heavy"}])

    head, _ = await call(ctx)

    assert head["feeds"] == 1
    (fault,) = head["failed"]
    assert fault["name"].startswith("sources.yaml:2:")
    assert "`weight` should be a number" in fault["error"]


async def test_the_last_good_list_stays_in_force(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    path = write_sources(home, server.sources(healthy=True)[:3])
    await call(ctx)
    path.write_text("- {name: [unclosed")

    head, rows = await call(ctx)

    assert head["answered"] == 3
    assert head["failed"][0]["name"].startswith("sources.yaml:1:")
    assert rows


async def test_no_list_is_an_error_that_says_so(ctx: ToolContext, home: Home) -> None:
    with pytest.raises(ToolError, match=r"no feeds in your sources\.yaml"):
        await call(ctx)
    write_sources(home, [{"name": "x", "url": "nowhere"}])
    with pytest.raises(ToolError, match="begin with http"):
        await call(ctx)


async def test_other_kinds_of_sources_are_left_alone(
    ctx: ToolContext, home: Home, server: FeedServer
) -> None:
    feed = server.sources(healthy=True)[0]
    write_sources(home, [feed, {"name": "Papers", "url": "http://a.test/", "kind": "arxiv"}])

    head, _ = await call(ctx)

    assert head["feeds"] == 1
    assert head["failed"] == []


def a_reading(name: str, dates: list[str | None]) -> Reading:
    entries = [
        Item(f"{name} {n}", f"http://{name}.test/{n}", name, date, 1.0, "", ())
        for n, date in enumerate(dates)
    ]
    return Reading(Source(name=name, url=f"http://{name}.test/"), entries)


DATES = st.one_of(
    st.none(),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
        lambda m: m.isoformat() + "+00:00"
    ),
)


@given(st.lists(st.lists(DATES, max_size=8), max_size=6), st.integers(1, 30))
def test_turns_are_fair(feeds: list[list[str | None]], limit: int) -> None:
    readings = [a_reading(f"s{n}", dates) for n, dates in enumerate(feeds)]
    total = sum(map(len, feeds))

    chosen = select(readings, limit, NOW.replace(year=1), "")

    counts = [sum(i.source == f"s{n}" for i in chosen) for n in range(len(feeds))]
    assert len(chosen) == min(limit, total)
    left_out = [have for have, dates in zip(counts, feeds, strict=True) if have < len(dates)]
    assert all(most <= least + 1 for least in left_out for most in counts)
