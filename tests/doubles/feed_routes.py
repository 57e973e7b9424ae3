"""What the feed server serves: each feed with what a good reader makes of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

XML = "application/xml"
RSS = "application/rss+xml"
RSS_UTF8 = "application/rss+xml; charset=utf-8"
ATOM = "application/atom+xml"


@dataclass(frozen=True)
class Route:
    """One path. Sources have a name; what has none is for tests of the client."""

    path: str
    file: str = ""
    name: str = ""
    items: int | None = None  # in a digest of 36 hours; None: the feed fails
    error: str = ""  # part of what the digest says of a feed that fails
    status: int = 200
    type: str = XML
    encode: str = "utf-8"
    pack: Callable[[bytes], bytes] | None = None
    packed_as: str = ""  # the Content-Encoding header
    to: str = ""  # where it redirects; {base} is the server
    make: Callable[[], bytes] | None = None  # a body that is made and not read
    mark: bytes = b""  # before the body
    delay: float = 0.0  # seconds before the answer
    stall: bool = False  # the head, half a body, then nothing
    cut: bool = False  # announces more than it sends
    weight: float = 1.0
    tags: tuple[str, ...] = ("test",)


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def two_members(body: bytes) -> bytes:
    return gzip.compress(body[: len(body) // 2]) + gzip.compress(body[len(body) // 2 :])


@cache
def bomb() -> bytes:
    """24 MiB of nothing in 24 KiB."""
    return gzip.compress(bytes(24 * 1024 * 1024), 9)


@cache
def double_bomb() -> bytes:
    return gzip.compress(bomb(), 9)


@cache
def huge() -> bytes:
    """More than a client should read: 6 MiB of one feed."""
    item = b"<item><title>filler</title><link>http://filler.test/</link></item>"
    return b'<rss version="2.0"><channel>' + item * (6 * 1024 * 1024 // len(item))


@cache
def prolific() -> bytes:
    """A feed with 120 entries, the newest of all feeds."""
    item = (
        "<item><title>Update {0} of 120</title><link>{{{{base}}}}/articles/granite-5?n={0}</link>"
        "<pubDate>{{{{-0h rfc822}}}}</pubDate><description>Number {0}.</description></item>"
    )
    items = "".join(item.format(number) for number in range(120))
    return f'<rss version="2.0"><channel><title>Firehose</title>{items}</channel></rss>'.encode()


SOURCES = (
    Route("/rss20.xml", "rss20.xml", "Machine Room", 4, type=RSS, weight=1.5),
    Route("/rss20_categories.xml", "rss20_categories.xml", "Rules and Rights", 4, type=RSS),
    Route("/rss092.xml", "rss092.xml", "Old Hand", 2, type="text/xml"),
    Route("/rss091.xml", "rss091.xml", "Museum Notes", 2, type="text/xml"),
    Route("/rss10.rdf", "rss10.rdf", "Preprint Server", 4, type="application/rdf+xml"),
    Route("/atom10.xml", "atom10.xml", "Release Watch", 3, type=ATOM, weight=2.0),
    Route("/atom10_html.xml", "atom10_html.xml", "Lab Diary", 3, type=ATOM),
    Route("/atom10_xhtml.xml", "atom10_xhtml.xml", "Standards Desk", 2, type=ATOM),
    Route("/atom03.xml", "atom03.xml", "Weblog of 2004", 2),
    Route("/feeds/relative_links.xml", "relative_links.xml", "Relative Desk", 2, type=ATOM),
    Route("/feeds/relative_rss.xml", "relative_rss.xml", "Short Links", 1, type=RSS),
    Route("/unclosed_tags.xml", "unclosed_tags.xml", "Broken Window", 2),
    Route("/bad_entities.xml", "bad_entities.xml", "Ampersand & Sons", 1),
    Route("/truncated.xml", "truncated.xml", "Cut Off", 2),
    Route("/control_characters.xml", "control_characters.xml", "Line Noise", 1),
    Route("/cdata_html.xml", "cdata_html.xml", "Markup Weekly", 2),
    Route("/podcast.xml", "podcast.xml", "Model Talk", 1, type=RSS),
    Route("/duplicates.xml", "duplicates.xml", "Echo", 1),
    Route("/no_dates.xml", "no_dates.xml", "Timeless", 1),
    Route("/future_dates.xml", "future_dates.xml", "Tomorrow", 2),
    Route("/odd_dates.xml", "odd_dates.xml", "Calendar", 5),
    Route("/cjk_rtl.xml", "cjk_rtl.xml", "世界報", 3),
    Route("/latin1.xml", "latin1.xml", "Café technique", 1, encode="latin-1"),
    Route("/latin1_as_utf8.xml", "latin1.xml", "Wrong label 1", 1, type=RSS_UTF8, encode="cp1252"),
    Route(
        "/utf8_as_latin1.xml",
        "utf8_umlauts.xml",
        "Wrong label 2",
        1,
        type="application/rss+xml; charset=iso-8859-1",
    ),
    Route("/utf16.xml", "utf8_umlauts.xml", "Sixteen bits", 1, encode="utf-16"),
    Route("/bom.xml", "utf8_umlauts.xml", "Marked", 1, mark=b"\xef\xbb\xbf"),
    Route("/blank_start.xml", "rss092.xml", "Blank start", 2, mark=b"\n\n  "),
    Route("/japanese.xml", "japanese.xml", "技術日報", 1, encode="shift_jis"),
    Route("/hidden_orders.xml", "hidden_orders.xml", "Innocent", 1),
    Route("/external_entity.xml", "external_entity.xml", "Entities", 1),
    Route("/gzip.xml", "rss20.xml", "Packed", 4, pack=gzip.compress, packed_as="gzip"),
    Route("/gzip_twice.xml", "atom10.xml", "In two parts", 3, pack=two_members, packed_as="gzip"),
    Route("/deflate.xml", "atom10.xml", "Deflated", 3, pack=zlib.compress, packed_as="deflate"),
    Route("/raw_deflate.xml", "atom03.xml", "Raw", 2, pack=raw_deflate, packed_as="deflate"),
    Route("/mislabelled.xml", "atom03.xml", "Not packed", 2, packed_as="gzip"),
    Route("/moved.xml", name="Moved", items=4, status=301, to="/rss10.rdf"),
    Route("/found.xml", name="Elsewhere", items=3, status=302, to="{base}/atom10.xml"),
    Route("/no_items.xml", "no_items.xml", "Quiet", 0),
    Route("/prolific.xml", name="Firehose", items=120, make=prolific, weight=0.3),
    Route("/nonsense.json", "nonsense.json", "Nonsense", error="JSON", type="application/json"),
    Route("/page.html", "page.html", "Moved out", error="a web page", type="text/html"),
    Route("/empty.xml", name="Empty", error="empty", make=bytes),
    Route("/gone.xml", name="Gone", error="410", status=410),
    Route("/missing.xml", name="Missing", error="404", status=404),
    Route("/error.xml", name="Ill", error="500", status=500),
    Route("/loop.xml", name="Carousel", error="redirects", status=302, to="/loop.xml"),
    Route("/huge.xml", name="Elephant", error="longer than", make=huge),
    Route("/bomb.xml", name="Bomb", error="longer than", make=bomb, packed_as="gzip"),
    Route(
        "/double_bomb.xml",
        name="Double bomb",
        error="not asked for",
        make=double_bomb,
        packed_as="gzip, gzip",
    ),
    Route("/cut.xml", "rss20.xml", "Breaker", error="broke off", cut=True),
    Route(
        "/to_private.xml",
        name="Trap",
        error="not public",
        status=302,
        to="http://169.254.169.254/latest/meta-data/",
    ),
    Route("/to_port.xml", name="Trap 2", error="port 22", status=302, to="http://127.0.0.1:22/"),
    Route("/to_file.xml", name="Trap 3", error="http://", status=302, to="file:///etc/passwd"),
)

SLOW = (
    Route("/slow.xml", "rss20.xml", "Snail", error="did not answer", delay=3600),
    Route("/stall.xml", "rss20.xml", "Sleeper", error="did not answer", stall=True),
)

OTHERS = (
    Route("/plain.txt", make=lambda: b"just text\n", type="text/plain"),
    Route("/data.json", make=lambda: b'{"answer": 42}', type="application/json"),
    Route("/paper.pdf", make=lambda: b"%PDF-1.7\n\x00\x01binary", type="application/pdf"),
    Route("/unlabelled", make=lambda: b"%PDF-1.7\n\x00\x01binary", type=""),
    Route(
        "/script_only.html", make=lambda: b"<html><script>draw()</script></html>", type="text/html"
    ),
    Route("/to_article", status=301, to="/articles/granite-5"),
    Route("/see_other", status=303, to="/echo"),
    Route("/to_other_name", status=302, to="http://other.test:{port}/echo"),
    Route("/bad_location", status=302, to="http://[broken/"),
)

ROUTES = {route.path: route for route in (*SOURCES, *SLOW, *OTHERS)}


def entry(route: Route, base: str) -> dict[str, Any]:
    """A route as sources.yaml lists it."""
    return {
        "name": route.name,
        "url": base + route.path,
        "kind": "rss",
        "weight": route.weight,
        "tags": list(route.tags),
    }
