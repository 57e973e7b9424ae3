"""`web_search`, against a double that has the shape of the service."""

from __future__ import annotations

import json

import pytest

from harness.tools import web_search as module
from harness.tools.context import ToolContext
from harness.tools.tool import ToolError
from harness.tools.web_search import KEY_VARIABLE, search, web_search
from tests.doubles.feed_server import FeedServer
from tests.tools.using import use


async def test_without_a_key_it_says_what_to_do(
    ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)

    with pytest.raises(ToolError, match=f"can set {KEY_VARIABLE}"):
        await use(web_search, ctx, {"query": "feeds"})


async def test_results_come_one_per_line(
    ctx: ToolContext, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "right-key")
    monkeypatch.setattr(module, "ENDPOINT", server.base)

    output = await use(web_search, ctx, {"query": "open\u200b feeds"})

    (row,) = [json.loads(line) for line in output.text.splitlines()]
    assert row == {
        "title": "A page",
        "url": "http://a.test/",
        "published": None,
        "summary": "open feeds",
    }
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer right-key"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "does not accept the key"),
        (429, "quota"),
        (432, "quota"),
        (400, "400"),
        (500, "500"),
        (204, "unreadable"),
    ],
)
async def test_every_failure_is_told_and_none_tells_the_key(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch, status: int, why: str
) -> None:
    monkeypatch.setattr(module, "ENDPOINT", server.base)
    server.statuses["/search"] = status

    with pytest.raises(ToolError, match=why) as caught:
        await search("wrong-key", "feeds", 5)

    assert "wrong-key" not in str(caught.value)


async def test_no_results_are_said_in_words(
    ctx: ToolContext, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "right-key")
    monkeypatch.setattr(module, "ENDPOINT", server.url("/echo"))

    output = await use(web_search, ctx, {"query": "feeds"})

    assert (output.text, output.data) == ("nothing was found", [])


async def test_a_service_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ToolError, match="not reached: ConnectError"):
        await search("right-key", "feeds", 5)
