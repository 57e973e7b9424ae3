"""Feeds asked all at once, over real HTTP."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.clock import FakeClock, stamp
from harness.config.home import Home
from harness.config.sources import Source
from harness.network.politeness import Politeness
from harness.network.web import Web
from harness.tools.feed_cache import FeedCache, FeedRecord
from harness.tools.feeds import FeedReader
from tests.doubles.feed_routes import SLOW, SOURCES, Route
from tests.doubles.feed_server import FeedServer
from tests.tools.conftest import NOW, TRUSTS_NOBODY


@pytest.fixture
def cache(home: Home) -> FeedCache:
    return FeedCache(home.cache / "feeds")


@pytest.fixture
def reader(web: Web, cache: FeedCache, clock: FakeClock) -> FeedReader:
    return FeedReader(web, cache, clock)


def the_source(server: FeedServer, path: str) -> Source:
    return Source(name=path, url=server.url(path))


@pytest.mark.parametrize("route", SOURCES, ids=lambda route: route.path)
async def test_every_feed_gives_its_items_or_its_fault(
    reader: FeedReader, server: FeedServer, route: Route
) -> None:
    (reading,) = await reader.read([the_source(server, route.path)])

    if route.items is None:
        assert reading.items == ()
        assert reading.error is not None
        assert route.error in reading.error
    else:
        assert reading.error is None
        assert len(reading.items) == route.items
        assert all(item.url.startswith(server.base) for item in reading.items)
        assert all(
            not item.published or item.published <= NOW.isoformat() for item in reading.items
        )


async def test_wrong_character_sets_do_no_harm(reader: FeedReader, server: FeedServer) -> None:
    paths = ["/latin1_as_utf8.xml", "/utf8_as_latin1.xml", "/utf16.xml", "/japanese.xml"]

    readings = await reader.read([the_source(server, path) for path in paths])

    titles = [reading.items[0].title for reading in readings]
    assert titles == [
        "Une puce à très faible consommation présentée à Orléans",
        "Wetterdienst übernimmt gelerntes Modell – München prüft",
        "Wetterdienst übernimmt gelerntes Modell – München prüft",
        "小型言語モデルが電話で動作",
    ]


async def test_nothing_hidden_and_no_local_file_gets_into_an_item(
    reader: FeedReader, server: FeedServer
) -> None:
    paths = ["/hidden_orders.xml", "/external_entity.xml", "/atom10_html.xml"]

    readings = await reader.read([the_source(server, path) for path in paths])

    text = " ".join(f"{i.title} {i.summary}" for reading in readings for i in reading.items)
    assert "Forget" not in text
    assert "Ignore your rules" not in text
    assert "alert" not in text
    assert "\u200b" not in text
    assert "\U000e0049" not in text


async def test_one_slow_feed_does_not_hold_the_others(
    web: Web, cache: FeedCache, clock: FakeClock, server: FeedServer
) -> None:
    reader = FeedReader(web, cache, clock, feed_seconds=0.2)
    paths = [SLOW[0].path, SLOW[1].path, "/rss20.xml"]

    slow, stalled, quick = await reader.read([the_source(server, path) for path in paths])

    assert "did not answer within 0.2 s" in str(slow.error)
    assert "did not answer within 0.2 s" in str(stalled.error)
    assert len(quick.items) == 4


async def test_the_whole_reading_has_an_end(
    web: Web, cache: FeedCache, clock: FakeClock, server: FeedServer
) -> None:
    reader = FeedReader(web, cache, clock, total_seconds=0.3)

    slow, quick = await reader.read(
        [the_source(server, "/slow.xml"), the_source(server, "/rss20.xml")]
    )

    assert slow.error == "not read within the 0.3 s for all feeds"
    assert len(quick.items) == 4


async def test_a_feed_that_did_not_change_is_not_sent_again(
    reader: FeedReader, server: FeedServer
) -> None:
    source = the_source(server, "/atom10.xml")
    (first,) = await reader.read([source])

    (second,) = await reader.read([source])

    once, again = server.seen("/atom10.xml")
    assert "if-none-match" not in once.headers
    assert again.headers["if-none-match"].startswith('"')
    assert again.headers["if-modified-since"] == "Mon, 05 Jan 2026 08:00:00 GMT"
    assert second.items == first.items


async def test_a_feed_that_changed_is_read_anew(reader: FeedReader, server: FeedServer) -> None:
    source = the_source(server, "/no_items.xml")
    await reader.read([source])
    server.changed["/no_items.xml"] = (
        b"<rss version='2.0'><channel><item><title>New</title><link>/new</link></item>"
        b"</channel></rss>"
    )

    (reading,) = await reader.read([source])

    assert [item.title for item in reading.items] == ["New"]


async def test_the_weight_of_an_edited_list_counts_for_a_cached_body_too(
    reader: FeedReader, server: FeedServer
) -> None:
    source = the_source(server, "/atom10.xml")
    await reader.read([source])

    (reading,) = await reader.read([source.model_copy(update={"weight": 9.0})])

    assert {item.weight for item in reading.items} == {9.0}


async def test_the_health_of_a_feed_is_remembered(
    reader: FeedReader, cache: FeedCache, server: FeedServer, clock: FakeClock
) -> None:
    source = the_source(server, "/rss20.xml")
    await reader.read([source])
    server.statuses["/rss20.xml"] = 503
    await clock.advance(3600)
    await reader.read([source])
    server.statuses["/rss20.xml"] = 410
    await reader.read([source])

    (record,) = cache.health()

    assert (record.url, record.failures, record.gone) == (source.url, 2, True)
    assert record.last_error == "410 Gone"
    assert record.last_success == stamp(NOW)
    assert record.checked_at == stamp(clock.now())


async def test_a_success_clears_the_failures(
    reader: FeedReader, cache: FeedCache, server: FeedServer
) -> None:
    source = the_source(server, "/rss20.xml")
    server.statuses["/rss20.xml"] = 500
    await reader.read([source])
    del server.statuses["/rss20.xml"]

    (reading,) = await reader.read([source])

    (record,) = cache.health()
    assert len(reading.items) == 4
    assert (record.failures, record.last_error, record.gone) == (0, None, False)


async def test_a_page_in_place_of_a_feed_does_not_replace_the_good_body(
    reader: FeedReader, cache: FeedCache, server: FeedServer
) -> None:
    source = the_source(server, "/rss20.xml")
    await reader.read([source])
    good = cache.load(source.url)
    server.changed["/rss20.xml"] = b"<html><body>Maintenance</body></html>"

    (reading,) = await reader.read([source])

    assert "a web page" in str(reading.error)
    assert cache.load(source.url).body == good.body


async def test_a_hundred_feeds_are_read_together_and_no_more(
    server: FeedServer, cache: FeedCache, clock: FakeClock
) -> None:
    sources = [the_source(server, f"/rss20.xml?n={number}") for number in range(101)]
    one_host = Politeness(clock, at_once=100, gap=0)

    async with Web(
        clock, allow=[server.authority], politeness=one_host, verify=TRUSTS_NOBODY
    ) as web:
        readings = await FeedReader(web, cache, clock).read(sources)

    assert [len(reading.items) for reading in readings[:100]] == [4] * 100
    assert readings[100].error == "left out: one call reads at most 100 feeds"
    assert len(server.asked) == 100
    assert 1 < server.busiest <= 40


def test_a_damaged_cache_counts_as_none(cache: FeedCache) -> None:
    record = FeedRecord("http://a.test/", body=b"<rss/>", etag='"1"', failures=3)
    cache.store(record)
    assert cache.load("http://a.test/") == record
    (path,) = cache.folder.iterdir()
    saved = json.loads(path.read_text())

    for damage in ("", "{", "[]", "null", '{"url": 1, "body": "%%%"}', '{"body": "AAAA"}'):
        path.write_text(damage)
        assert cache.load("http://a.test/") == FeedRecord("http://a.test/")
        assert cache.health() == []
    path.write_text(json.dumps(saved | {"of_a_later_version": True}))
    assert cache.load("http://a.test/") == record


def test_without_a_body_no_condition_is_sent() -> None:
    record = FeedRecord("http://a.test/", etag='"1"', last_modified="yesterday")

    assert record.conditions == {}
    assert set(replace(record, body=b"x").conditions) == {"If-None-Match", "If-Modified-Since"}
