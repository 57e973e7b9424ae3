"""What strangers' servers send: feeds, pages, packed bodies, and character sets."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import asdict
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from harness.config.sources import Source
from harness.network.inflate import Damaged, Inflater, TooLarge
from harness.network.response import decode
from harness.text.markup import html_to_text
from harness.text.sentences import sentences
from harness.text.surrogates import is_whole
from harness.text.urls import canonical_url, find_urls
from harness.text.words import clip
from harness.tools.article import extract, plain_text
from harness.tools.feed_cache import UNREADABLE, unpacked
from harness.tools.feed_parse import SUMMARY, TITLE, NoFeed, parse_feed, read_date
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.samples import REPOSITORY
from tests.fuzz.strategies import as_bytes, damaged, json_values, long_text, odd_json, odd_text

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOURCE = Source(name="Example", url="https://example.org/feed")
LIMIT = 64 * 1024


def sample(pattern: str) -> tuple[str, ...]:
    found = sorted((REPOSITORY / "tests/doubles/feeds").glob(pattern))
    assert found, f"no double is called {pattern}"
    return tuple(path.read_bytes().decode("utf-8", "replace") for path in found)


LAUGHS = "<!DOCTYPE r [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
RSS = (
    "<rss version='2.0'><channel><item><link>https://example.org/{}</link>{}</item></channel></rss>"
)
BOMB = f"{LAUGHS}]>{RSS.format(1, '<title>&j;</title>')}"
tags = st.sampled_from(
    [
        *("title", "link", "guid", "pubDate", "description", "content:encoded", "enclosure"),
        *("dc:date", "media:content", "author", "georss:point", "itunes:image", "category"),
        *("source", "cloud", "image", "textInput", "gml:posList", "xhtml:div", "base", "updated"),
    ]
)
elements = st.builds(
    lambda tag, name, value, text: f"<{tag} {name}={json.dumps(value)}>{text}</{tag}>",
    tags,
    st.sampled_from(["href", "url", "type", "rel", "xml:base", "isPermaLink", "mode", "xmlns"]),
    odd_text,
    st.one_of(odd_text, long_text, st.sampled_from(["-1 2 3", "9999-99-99", "1e999", "http://["])),
)
feeds = st.one_of(
    damaged((*sample("*.xml"), *sample("*.rdf"), *sample("*.json"))),
    st.lists(elements).map(lambda parts: RSS.format(1, "".join(parts))),
    odd_text,
)
types = st.one_of(
    st.sampled_from(["utf-16", "utf-7", "hz", "gb18030", "idna", "rot13", "x" * 500, "", "cp037"]),
    odd_text,
).map(lambda name: f"application/xml; charset={name}")


@EFFORT
@given(body=as_bytes(feeds), content_type=types)
@example(BOMB.encode(), "application/xml")
@example(RSS.format(1, "<title>" + "<a" * 50_000 + "</title>").encode(), "")
@example(("<rss>" + "<a>" * 20_000).encode(), "")
def test_any_body_is_a_feed_or_none(body: bytes, content_type: str) -> None:
    with bounded():
        try:
            items = parse_feed(body, content_type, SOURCE.url, SOURCE, NOW)
        except NoFeed:
            return

    for item in items:
        assert item.url.startswith(("http://", "https://"))
        assert len(item.title) <= max(TITLE, len(item.url))
        assert len(item.summary) <= SUMMARY
        json.dumps(asdict(item), ensure_ascii=False).encode()


@EFFORT
@given(raw=st.one_of(odd_text, st.from_regex(r"[A-Za-z]{3}, \d+ [A-Z]\w+ \d+ [\d:]+ [+-]\d+")))
@example("Mon, 31 Feb 2026 25:61:61 +99999999999")
@example("9" * 13)
def test_any_date_is_read_or_is_none(raw: str) -> None:
    with bounded():
        date = read_date(raw, NOW)

    assert date is None or date <= NOW


@EFFORT
@given(body=st.one_of(st.binary(), as_bytes(odd_text)), content_type=types)
def test_any_bytes_are_some_text(body: bytes, content_type: str) -> None:
    with bounded():
        assert is_whole(decode(body, content_type))


pages = st.one_of(
    damaged(sample("*.html")),
    st.builds(
        lambda tag, times, text: f"<{tag}>" * times + text, tags, st.integers(1, 300), odd_text
    ),
    long_text,
)


@EFFORT
@given(html=pages)
@example("<a" * 100_000)
@example("<!--" * 50_000)
@example("&#x110000;&#xD800;&#0;<p>x")
def test_any_page_is_an_article(html: str) -> None:
    with bounded():
        article = extract(html)
        texts = (article.text, plain_text(html), html_to_text(html))

    assert article.links >= 0
    json.dumps([article.title, *texts]).encode()


@EFFORT
@given(text=st.one_of(long_text, odd_text), limit=st.integers(0, 300))
@example(" " * 100, 10)
@example("http://[::1 http://a:b:c http://\ud800/?\ud800=1", 10)
def test_any_text_has_words_sentences_and_addresses(text: str, limit: int) -> None:
    with bounded():
        assert len(clip(text, limit)) <= limit
        assert "".join("".join(sentences(text)).split()) == "".join(text.split())
        for url in find_urls(text):
            assert canonical_url(url)


packings = st.sampled_from([gzip.compress, zlib.compress, bytes])
packed = st.builds(
    lambda pack, content, times, end: pack(content * times) + end,
    packings,
    st.binary(),
    st.sampled_from([1, 2, 100_000]),
    st.binary(),
)


@EFFORT
@given(
    encoding=st.one_of(st.sampled_from(["gzip", "deflate", "", "GZIP ", "br"]), odd_text),
    body=st.one_of(packed, st.binary()),
    step=st.sampled_from([1, 7, 1000, 65_536]),
)
@example("gzip", gzip.compress(b"\0" * 20_000_000), 65_536)
@example("gzip", gzip.compress(b"") * 3_000, 65_536)
def test_any_body_unpacks_within_its_limit(encoding: str, body: bytes, step: int) -> None:
    with bounded():
        try:
            inflater = Inflater(encoding, LIMIT)
            for start in range(0, min(len(body), LIMIT), step):
                inflater.feed(body[start : start + step])
            whole = inflater.finish()
        except (TooLarge, Damaged):
            return

    assert len(whole) <= LIMIT + 1


@EFFORT
@given(
    text=st.one_of(
        odd_json.map(json.dumps),
        odd_text,
        st.fixed_dictionaries({"url": odd_text, "body": json_values()}).map(json.dumps),
    )
)
def test_any_cached_feed_is_read_or_counts_as_none(text: str) -> None:
    with bounded():
        try:
            unpacked(text)
        except UNREADABLE:
            return
