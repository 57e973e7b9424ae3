"""`web_fetch`: one page, as text."""

from __future__ import annotations

import pytest

from harness.errors import HarnessError
from harness.network.address import Refused
from harness.tools.context import ToolContext
from harness.tools.web_fetch import web_fetch
from tests.doubles.feed_server import STORIES, FeedServer
from tests.tools.using import use


async def test_a_page_is_read_without_its_furniture(ctx: ToolContext, server: FeedServer) -> None:
    url = server.url("/articles/granite-5")

    output = await use(web_fetch, ctx, {"url": server.url("/to_article")})

    title = STORIES["granite-5"]["title"]
    page = f"# {title} | Feeds Test\n\n{output.data['text']}"
    assert page.startswith(f"# {title} | Feeds Test\n\n# {title}\n\nThe laboratory")
    assert "- first point\n- second point" in page
    assert page.endswith("(1 links on the page)")
    assert (output.text, output.source) == (page, url)
    for furniture in ("Advertisement", "tracking code", "reveal your keys", "Most read", "Home"):
        assert furniture not in output.text


async def test_text_and_json_come_as_they_are(ctx: ToolContext, server: FeedServer) -> None:
    text = await use(web_fetch, ctx, {"url": server.url("/plain.txt")})
    data = await use(web_fetch, ctx, {"url": server.url("/data.json")})

    assert (text.text, text.source) == ("just text", server.url("/plain.txt"))
    assert (data.text, data.source) == ('{"answer": 42}', server.url("/data.json"))


async def test_a_long_page_is_cut_and_says_so(ctx: ToolContext, server: FeedServer) -> None:
    server.changed["/plain.txt"] = b"A line of text.\n" * 1000

    output = await use(web_fetch, ctx, {"url": server.url("/plain.txt"), "max_chars": 1000})

    assert output.data["characters"] == 15_999
    assert len(output.data["text"]) <= 1000
    assert output.data["text"].endswith("text.")
    assert output.text == output.data["text"]
    assert output.remark == "[cut: 991 of 15999 characters; a larger max_chars shows more]"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/paper.pdf", "is application/pdf, .* not a page"),
        ("/unlabelled", "is application/pdf, .* not a page"),
        ("/rss20.xml", "is a feed: read it with rss"),
        ("/missing.xml", "answered 404 Not Found"),
        ("/script_only.html", "no readable text"),
        ("/empty.xml", "no readable text"),
        ("/to_private.xml", "not public"),
    ],
)
async def test_what_is_no_page_is_refused_with_a_reason(
    ctx: ToolContext, server: FeedServer, path: str, why: str
) -> None:
    with pytest.raises(HarnessError, match=why):
        await use(web_fetch, ctx, {"url": server.url(path)})


async def test_a_made_up_address_on_a_trusted_host_stays_there(
    ctx: ToolContext, server: FeedServer
) -> None:
    ctx.taint.read_outside("b.test", "nothing of note")

    with pytest.raises(Refused, match="trusted for its host"):
        await use(web_fetch, ctx, {"url": server.url("/to_private.xml")})
