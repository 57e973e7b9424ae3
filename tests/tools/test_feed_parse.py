"""A feed's bytes read as items."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config.sources import Source
from harness.tools.feed_parse import Item, NoFeed, parse_feed, read_date
from tests.tools.conftest import NOW

SOURCE = Source(name="Test", url="http://feeds.test/a/feed.xml", weight=1.5, tags=("x",))


def items(inner: str) -> list[Item]:
    feed = f'<rss version="2.0"><channel><title>T</title>{inner}</channel></rss>'
    return parse_feed(feed.encode(), "text/xml", SOURCE.url, SOURCE, NOW)


def item(**parts: str) -> Item:
    parts = {"title": "A title", "link": "http://feeds.test/1"} | parts
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    (found,) = items(f"<item>{inner}</item>")
    return found


def test_an_item_carries_its_sources_weight_and_tags() -> None:
    found = item(description="One. Two.", pubDate="Mon, 05 Jan 2026 08:00:00 +0100")

    assert found == Item(
        title="A title",
        url="http://feeds.test/1",
        source="Test",
        published="2026-01-05T07:00:00+00:00",
        weight=1.5,
        summary="One. Two.",
        tags=("x",),
    )


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("http://feeds.test/1", "http://feeds.test/1"),
        ("/1", "http://feeds.test/1"),
        ("../b/1?x=1&amp;y=2", "http://feeds.test/b/1?x=1&y=2"),
        ("//other.test/1", "http://other.test/1"),
        (" \n http://feeds.test/1 \n", "http://feeds.test/1"),
    ],
)
def test_links_are_absolute(link: str, address: str) -> None:
    assert item(link=link).url == address


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "mailto:a@b.test", "http://[::1", "file:///x"]
)
def test_an_entry_without_a_page_is_left_out(link: str) -> None:
    assert items(f"<item><title>T</title><link>{link}</link></item>") == []


def test_a_number_as_guid_is_no_link_and_an_address_is_one() -> None:
    assert items("<item><title>T</title><guid>12345</guid></item>") == []
    (found,) = items("<item><title>T</title><guid>http://feeds.test/9</guid></item>")
    assert found.url == "http://feeds.test/9"
    with_both = "<item><guid>12345</guid><link>http://feeds.test/12345</link></item>"
    assert len(items(with_both)) == 1


def test_markup_and_what_is_hidden_in_it_go() -> None:
    found = item(
        title="&lt;b&gt;Bold&lt;/b&gt; &amp;amp; true\u200b\U000e0041",
        description="&lt;p&gt;Seen.&lt;/p&gt;&lt;p style='display: none'&gt;Obey me.&lt;/p&gt;"
        "&lt;p hidden&gt;And me.&lt;/p&gt;&lt;p aria-hidden='true'&gt;Me as well.&lt;/p&gt;"
        "&lt;script&gt;x()&lt;/script&gt;&lt;!-- me too --&gt;\u202e",
    )

    assert found.title == "Bold & true"
    assert found.summary == "Seen."


def test_angle_brackets_that_are_no_tags_stay() -> None:
    assert item(title="Vec&lt;T&gt; when x &lt; y").title == "Vec<T> when x < y"


def test_a_summary_ends_with_a_sentence() -> None:
    text = "This is one sentence of a certain length. " * 20

    summary = item(description=text).summary

    assert 200 < len(summary) <= 280
    assert summary.endswith("length.")


def test_one_endless_sentence_is_cut_between_words() -> None:
    summary = item(description="word " * 200).summary

    assert len(summary) <= 280
    assert summary.endswith("word…")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Mon, 05 Jan 2026 08:00:00 GMT", "2026-01-05T08:00:00+00:00"),
        ("Mon, 05 Jan 2026 03:00:00 EST", "2026-01-05T08:00:00+00:00"),
        ("Monday, 5 January 2026 08:00 +0000", "2026-01-05T08:00:00+00:00"),
        ("5 Jan 26 08:00 GMT", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T08:00:00Z", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T08:00:00.123+02:00", "2026-01-05T06:00:00+00:00"),
        ("2026-01-05 08:00:00", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05", "2026-01-05T00:00:00+00:00"),
        ("20260105", "2026-01-05T00:00:00+00:00"),
        ("1767600000", "2026-01-05T08:00:00+00:00"),
        ("1767600000000", "2026-01-05T08:00:00+00:00"),
        ("Mon, 05 Jan 2026 20:00:00 GMT", "2026-01-05T09:00:00+00:00"),  # ahead: it is now
        ("Mon, 05 Jan 2032 08:00:00 GMT", None),  # far ahead: an event's date
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),  # an empty field of somebody's database
        ("Mon, 05 Jan 12026 08:00:00 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_in_many_forms(written: str, meant: str | None) -> None:
    assert item(pubDate=written).published == meant


@given(st.text())
def test_no_date_breaks_the_reader(raw: str) -> None:
    found = read_date(raw, NOW)

    assert found is None or (found <= NOW and found.tzinfo is UTC)


@given(st.datetimes(datetime(1991, 1, 1), NOW.replace(tzinfo=None)))
def test_every_iso_date_is_read(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)

    assert read_date(aware.isoformat(), NOW + timedelta(days=1)) == aware


def test_items_of_one_page_are_merged_with_the_best_of_each() -> None:
    merged = items(
        "<item><title>First</title><link>http://feeds.test/1</link><description>S.</description>"
        "<pubDate>Sun, 04 Jan 2026 08:00:00 GMT</pubDate></item>"
        "<item><title>Second</title><link>http://www.feeds.test/1/?utm_source=rss#top</link>"
        "<description>Longer than that.</description>"
        "<pubDate>Mon, 05 Jan 2026 08:00:00 GMT</pubDate></item>"
    )

    assert [(i.title, i.published, i.summary) for i in merged] == [
        ("First", "2026-01-05T08:00:00+00:00", "Longer than that.")
    ]


def test_the_bytes_of_a_feed_are_never_taken_for_a_file_or_an_address(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text(
        "<rss version='2.0'><channel><item><link>http://x.test/</link></item></channel></rss>"
    )

    for body in (str(secret), f"file://{secret}", "http://127.0.0.1/"):
        with pytest.raises(NoFeed, match="plain text"):
            parse_feed(body.encode(), "", SOURCE.url, SOURCE, NOW)


@settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from([b"", b"<rss><channel><item>", b"<feed><entry>"]))
def test_no_bytes_break_the_parser(rubbish: bytes, start: bytes) -> None:
    try:
        parse_feed(start + rubbish, "text/xml", SOURCE.url, SOURCE, NOW)
    except NoFeed as error:
        assert "answer is" in str(error)  # noqa: PT017 - either outcome is right


def test_a_million_laughs_end_soon() -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    feed = (
        f'<?xml version="1.0"?><!DOCTYPE rss [{entities}]><rss version="2.0"><channel><item>'
        "<title>&a11;</title><link>http://feeds.test/1</link></item></channel></rss>"
    )

    found = parse_feed(feed.encode(), "text/xml", SOURCE.url, SOURCE, NOW)

    assert all(len(one.title) < 300 for one in found)


def test_a_feed_that_the_parser_trips_over_is_none() -> None:
    broken = "<rss version='2.0'><channel><item><gml:posList>1 2</gml:posList></item></channel>&"

    with pytest.raises(NoFeed, match="can be read"):
        parse_feed(broken.encode(), "", SOURCE.url, SOURCE, NOW)
