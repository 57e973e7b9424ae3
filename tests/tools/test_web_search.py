"""`web_search`, against a double that has the shape of the service."""

from __future__ import annotations

import gzip
import json
import logging
import re

import pytest

from harness.clock import FakeClock, SystemClock
from harness.network.web import Web
from harness.tools import web_search as module
from harness.tools.context import ToolContext
from harness.tools.tool import ToolError
from harness.tools.web_search import KEY_VARIABLE, search, web_search
from tests.doubles.feed_server import FeedServer
from tests.doubles.raw_server import RawServer, Script
from tests.network.test_hostile_servers import OK, repeats, says
from tests.tools.conftest import TRUSTS_NOBODY
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
    web: Web, server: FeedServer, monkeypatch: pytest.MonkeyPatch, status: int, why: str
) -> None:
    monkeypatch.setattr(module, "ENDPOINT", server.base)
    server.statuses["/search"] = status

    with pytest.raises(ToolError, match=why) as caught:
        await search(web, "wrong-key", "feeds", 5)

    assert "wrong-key" not in str(caught.value)


async def test_no_results_are_said_in_words(
    ctx: ToolContext, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "right-key")
    monkeypatch.setattr(module, "ENDPOINT", server.url("/echo"))

    output = await use(web_search, ctx, {"query": "feeds"})

    assert (output.text, output.data) == ("nothing was found", [])


async def answered(script: Script, monkeypatch: pytest.MonkeyPatch, key: str = "canary") -> str:
    """What the tool says of a service that answers so."""
    async with (
        RawServer(script) as server,
        Web(SystemClock(), allow=[server.authority], verify=TRUSTS_NOBODY) as web,
    ):
        monkeypatch.setattr(module, "ENDPOINT", server.url(""))
        monkeypatch.setattr(module, "SECONDS", 0.5)
        with pytest.raises(ToolError) as caught:
            await search(web, key, "feeds", 5)
        assert b"POST /search HTTP/1.1" in server.asked[0]
        assert len(server.asked) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (says(OK + b"Content-Length: 2\r\n\r\n[]"), "unreadable"),
        (says(OK + b"\r\n" + b"[" * 100_000), "unreadable"),
        (says(OK + b"\r\n" + b'{"results": [' + b"[" * 100_000), "unreadable"),
        (says(OK + b'\r\n{"results": [{"title": "no address"}]}'), "unreadable"),
        (repeats(OK + b"\r\n", bytes(65536)), "unreadable"),
        (says(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(5_000_000))), "unread"),
        (says(b"SSH-2.0-rude\r\n"), "not reached: 127.0.0.1 broke off"),
        (repeats(OK + b"\r\n", b" ", 0.01), r"did not answer within 0\.5 s"),
        (says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), "answered 302"),
        (says(b"HTTP/1.1 307 Moved\r\nLocation: //other.test/\r\n\r\n"), "answered 307"),
        (says(b"HTTP/1.1 401 rude\r\n\r\n"), "does not accept the key"),
    ],
)
async def test_a_service_that_misbehaves_is_left_and_not_followed(
    script: Script,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    told = await answered(script, monkeypatch)

    assert re.search(why, told)
    assert "canary" not in told + caplog.text
    assert "rude" not in told


@pytest.mark.parametrize("key", ["canary\r\nX-More: 1", "canäry", "can\x00ary"])
async def test_a_key_that_cannot_be_one_is_told_and_not_sent(
    web: Web, server: FeedServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(module, "ENDPOINT", server.base)

    with pytest.raises(ToolError, match=KEY_VARIABLE) as caught:
        await search(web, key, "feeds", 5)

    assert key not in str(caught.value)
    assert server.asked == []


async def test_proxies_of_the_environment_are_not_used_for_searching(
    web: Web, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENDPOINT", server.base)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for spelled in (name, name.lower(), f"TAVILY_{name}"):
            monkeypatch.setenv(spelled, "http://127.0.0.1:1")

    assert len(await search(web, "right-key", "feeds", 5)) == 1


async def test_the_service_is_judged_like_any_address(
    server: FeedServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENDPOINT", server.base)

    async with Web(clock, verify=TRUSTS_NOBODY) as web:
        with pytest.raises(ToolError, match="not reached: port"):
            await search(web, "right-key", "feeds", 5)

    assert server.asked == []


async def test_a_service_that_is_not_there_is_told(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FeedServer() as gone:
        pass
    monkeypatch.setattr(module, "ENDPOINT", gone.base)

    async with Web(clock, allow=[gone.authority], verify=TRUSTS_NOBODY) as web:
        with pytest.raises(ToolError, match="not reached: no connection to"):
            await search(web, "right-key", "feeds", 5)
