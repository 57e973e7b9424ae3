"""`verify_url`: do these links answer?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.tools.context import ToolContext
from harness.tools.tool import ToolError
from harness.tools.verify_url import verify_url
from tests.doubles.feed_server import FeedServer
from tests.tools.using import use


async def verdicts(ctx: ToolContext, **arguments: Any) -> list[dict[str, Any]]:
    output = await use(verify_url, ctx, arguments)
    rows = [json.loads(line) for line in output.text.splitlines()]
    assert rows == output.data
    return rows


async def test_links_are_judged_in_the_order_given(ctx: ToolContext, server: FeedServer) -> None:
    paths = ["/articles/granite-5", "/articles/nowhere", "/to_article", "/to_private.xml"]

    good, missing, moved, trap = await verdicts(ctx, urls=[server.url(path) for path in paths])

    article = server.url("/articles/granite-5")
    assert good == {"url": article, "ok": True, "status": 200, "final_url": article, "note": ""}
    assert (missing["ok"], missing["status"], missing["note"]) == (False, 404, "404 Not Found")
    assert (moved["ok"], moved["final_url"], moved["note"]) == (True, article, "redirected")
    assert (trap["ok"], trap["status"], trap["final_url"]) == (False, None, None)
    assert "not public" in trap["note"]


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_a_server_that_does_not_like_head_is_asked_again(
    ctx: ToolContext, server: FeedServer, status: int
) -> None:
    (verdict,) = await verdicts(ctx, url=server.url(f"/head/{status}"))

    assert (verdict["ok"], verdict["status"]) == (True, 200)
    assert [asked.method for asked in server.asked] == ["HEAD", "GET"]


async def test_a_good_link_is_asked_once_and_its_body_not_read(
    ctx: ToolContext, server: FeedServer
) -> None:
    (verdict,) = await verdicts(ctx, url=server.url("/huge.xml"))

    assert verdict["ok"]
    assert [asked.method for asked in server.asked] == ["HEAD"]


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_site_that_turns_programs_away_is_told_apart(
    ctx: ToolContext, server: FeedServer, status: int
) -> None:
    (verdict,) = await verdicts(ctx, url=server.url(f"/status/{status}"))

    assert not verdict["ok"]
    assert "a browser may get through" in verdict["note"]


async def test_a_slow_link_is_not_waited_for(ctx: ToolContext, server: FeedServer) -> None:
    ctx.web.timeout = 0.2

    slow, good = await verdicts(ctx, urls=[server.url("/slow.xml"), server.url("/plain.txt")])

    assert "did not answer within 0.2 s" in slow["note"]
    assert good["ok"]


async def test_lists_come_in_the_shapes_that_models_send(
    ctx: ToolContext, server: FeedServer
) -> None:
    one, two = server.url("/plain.txt"), server.url("/data.json")

    for urls in ([one, two], json.dumps([one, two]), f"{one} {two}", [one, two, one]):
        assert [row["url"] for row in await verdicts(ctx, urls=urls)] == [one, two]
    assert [row["url"] for row in await verdicts(ctx, url=one, urls=[two])] == [one, two]


async def test_addresses_that_are_none_get_a_verdict_too(ctx: ToolContext) -> None:
    rows = await verdicts(ctx, urls=["not an address", "mailto:a@b.test"])

    assert [row["ok"] for row in rows] == [False, False]
    assert all("http" in row["note"] for row in rows)


async def test_none_and_too_many_are_refused(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match="no address given"):
        await use(verify_url, ctx, {})
    with pytest.raises(ValidationError, match="at most 60"):
        await use(verify_url, ctx, {"urls": ["http://a.test/"] * 61})
