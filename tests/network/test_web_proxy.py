"""The proxy of the settings: used for what is public, told addresses and no names."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from harness.clock import FakeClock
from harness.network.address import Refused
from harness.network.politeness import Politeness
from harness.network.web import Unreachable, Web
from tests.doubles.feed_server import FeedServer
from tests.doubles.proxy import Proxy
from tests.network.test_web import PEM, Names
from tests.tools.conftest import TRUSTS_NOBODY

PUBLIC = "93.184.216.34"
SIX = "2606:4700::1111"


@pytest.fixture
async def proxy(server: FeedServer) -> AsyncIterator[Proxy]:
    async with Proxy({f"{PUBLIC}:80": server.port, f"[{SIX}]:80": server.port}) as running:
        yield running


def a_web(clock: FakeClock, proxy: Proxy, *addresses: str, **options: Any) -> Web:
    usual: dict[str, Any] = {"verify": TRUSTS_NOBODY, "timeout": 5}
    names, polite = Names(list(addresses)), Politeness(clock, gap=0)
    return Web(clock, politeness=polite, resolve=names, proxy=proxy.url, **usual | options)


async def test_the_proxy_is_told_the_address_and_the_server_the_name(
    proxy: Proxy, server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock, proxy, PUBLIC) as web:
        answer = await web.get("http://feeds.test/plain.txt")

    assert answer.body == b"just text\n"
    assert proxy.heads == [f"CONNECT {PUBLIC}:80 HTTP/1.1\r\nHost: {PUBLIC}:80\r\n\r\n"]
    assert server.asked[0].path == "/plain.txt"
    assert server.asked[0].headers["host"] == "feeds.test"


async def test_an_ipv6_address_has_its_brackets(proxy: Proxy, clock: FakeClock) -> None:
    async with a_web(clock, proxy, SIX) as web:
        assert (await web.get("http://feeds.test/plain.txt")).ok

    assert proxy.asked == [f"[{SIX}]:80"]


async def test_the_certificate_is_checked_against_the_name_through_the_proxy(
    clock: FakeClock,
) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(PEM)
    trusted = ssl.create_default_context(cafile=PEM)

    async with (
        FeedServer(tls=own) as server,
        Proxy({f"{PUBLIC}:443": server.port}) as proxy,
        a_web(clock, proxy, PUBLIC, verify=trusted) as web,
    ):
        assert (await web.get("https://feeds.test/plain.txt")).ok
        with pytest.raises(Unreachable, match="certificate"):
            await web.get("https://other.test/plain.txt")

    assert proxy.asked == [f"{PUBLIC}:443"] * 2


async def test_what_the_settings_open_is_asked_directly(
    proxy: Proxy, server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock, proxy, "127.0.0.1", allow=[server.authority]) as web:
        assert (await web.get(server.url("/plain.txt"))).ok
        assert (await web.get(f"http://near.test:{server.port}/plain.txt")).ok

    assert proxy.asked == []


async def test_the_proxy_itself_is_no_target(proxy: Proxy, clock: FakeClock) -> None:
    async with a_web(clock, proxy) as web:
        with pytest.raises(Refused):
            await web.get(proxy.url)

    assert proxy.asked == []


async def test_a_redirect_is_judged_behind_a_proxy_too(
    proxy: Proxy, server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock, proxy, PUBLIC) as web:
        with pytest.raises(Refused, match="not public"):
            await web.get("http://feeds.test/to_private.xml")

    assert proxy.asked == [f"{PUBLIC}:80"]


async def test_the_next_address_is_tried_when_the_proxy_does_not_reach_one(
    proxy: Proxy, clock: FakeClock
) -> None:
    async with a_web(clock, proxy, "93.184.216.99", PUBLIC) as web:
        assert (await web.get("http://feeds.test/plain.txt")).ok

    assert proxy.asked == ["93.184.216.99:80", f"{PUBLIC}:80"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", r"does not connect to .*:80: it answers 403"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it answers 407"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "it answers 302"),
        (b"HTTP/1.1 200 Fine\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged", "more than it was asked"),
        (b"220 mail.test ESMTP ignore-all-rules\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, "breaks off"),
        (b"HTTP/1.1 200 OK\r\n", "breaks off"),
    ],
)
async def test_a_proxy_that_does_not_connect_is_told_and_not_gone_around(
    server: FeedServer, clock: FakeClock, answer: bytes, why: str
) -> None:
    async with Proxy(answer=answer) as proxy, a_web(clock, proxy, PUBLIC, SIX) as web:
        with pytest.raises(Unreachable, match=why) as caught:
            await web.get("http://feeds.test/plain.txt")

    assert "network.proxy" in (caught.value.hint or "")
    assert f"127.0.0.1:{proxy.port}" in str(caught.value)
    assert "ignore-all-rules" not in str(caught.value)
    assert len(proxy.heads) == 1
    assert server.asked == []


async def test_a_proxy_that_is_away_is_told(clock: FakeClock) -> None:
    async with Proxy() as gone:
        pass

    async with a_web(clock, gone, PUBLIC) as web:
        with pytest.raises(Unreachable, match=f"the proxy 127.0.0.1:{gone.port} is not reached"):
            await web.get("http://feeds.test/")


async def test_a_proxy_that_says_nothing_costs_no_more_than_the_time(clock: FakeClock) -> None:
    async with Proxy(answer=None) as proxy, a_web(clock, proxy, PUBLIC) as web:
        with pytest.raises(Unreachable, match=r"within 0\.2 s"):
            await web.get("http://feeds.test/", timeout=0.2)


async def test_new_settings_hold_from_the_next_request_on(
    proxy: Proxy, server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock, proxy, PUBLIC) as web:
        web.apply([server.authority], None)
        assert (await web.get(server.url("/plain.txt"))).ok
        with pytest.raises(ValueError, match="no proxy"):
            web.apply([], "socks5://127.0.0.1:1")
        assert (await web.get(server.url("/plain.txt"))).ok
        web.apply([], proxy.url)
        with pytest.raises(Refused):
            await web.get(server.url("/plain.txt"))
        assert (await web.get("http://feeds.test/plain.txt")).ok

    assert proxy.asked == [f"{PUBLIC}:80"]
