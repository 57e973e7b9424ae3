"""Nobody makes the tools reach into the house: a table of tries, with real name server and proxy.

Whatever the client connects with shows at the proxy. A case is refused when the client says so
and the proxy was asked for nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from harness.clock import FakeClock
from harness.network.address import Refused
from harness.network.politeness import Politeness
from harness.network.web import Unreachable, Web
from tests.doubles.dns import DnsServer, StubResolver
from tests.doubles.proxy import Proxy
from tests.doubles.raw_server import RawServer
from tests.network.ssrf_cases import (
    OTHER,
    PASSING,
    PUBLIC,
    REDIRECTS_PASSING,
    REDIRECTS_REFUSED,
    REFUSED,
    ZONE,
)
from tests.tools.conftest import TRUSTS_NOBODY

FRONT = (b"public.test", b"rebind.test")  # whose front page redirects
PLACES = {place for _, place, _ in PASSING} | {f"{OTHER}:80"}


@dataclass
class World:
    """A public web on loopback: every name of the zone, and one server behind all of them."""

    dns: DnsServer
    server: RawServer
    proxy: Proxy
    location: str = ""  # where the front page redirects to

    async def script(self, head: bytes) -> AsyncIterator[bytes]:
        front = head.startswith(tuple(b"GET / HTTP/1.1\r\nHost: %s\r" % name for name in FRONT))
        if self.location and front:
            to = self.location.encode()
            yield b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % to
        else:
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made: World
    server = RawServer(lambda head: made.script(head))
    async with server, DnsServer(ZONE) as dns, Proxy() as proxy:
        proxy.table |= dict.fromkeys(PLACES, server.port)
        made = World(dns, server, proxy)
        yield made


@pytest.fixture
async def web(world: World, clock: FakeClock) -> AsyncIterator[Web]:
    async with Web(
        clock,
        resolve=StubResolver(world.dns.port),
        politeness=Politeness(clock, gap=0),
        timeout=5,
        verify=TRUSTS_NOBODY,
        proxy=world.proxy.url,
    ) as client:
        yield client


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 80
    assert len(set(PASSING)) == len(PASSING) >= 20


async def told(web: Web, url: str) -> str | None:
    """Why the client refuses, or None when it does not."""
    try:
        await web.get(url)
    except Refused as error:
        return str(error)
    except Unreachable:
        return None
    return None


async def test_all_of_the_table_is_refused_and_nothing_is_asked(web: Web, world: World) -> None:
    answers = {url: await told(web, url) for url in REFUSED}

    assert [url for url, answer in answers.items() if answer is None] == []
    assert [answer for answer in answers.values() if answer and len(answer) > 300] == []
    assert world.proxy.asked == []


async def test_all_of_the_table_is_refused_without_a_proxy_too(web: Web) -> None:
    web.apply([], None)

    assert [url for url in REFUSED if await told(web, url) is None] == []


@pytest.mark.parametrize(("url", "place", "host"), PASSING)
async def test_it_is_opened_at_the_address_that_was_judged(
    web: Web, world: World, url: str, place: str, host: str
) -> None:
    answer = await web.get(url)

    assert answer.body == b"ok"
    assert world.proxy.asked == [place]
    (head,) = world.server.asked
    assert head.lower().count(b"\r\nhost:") == 1
    assert f"\r\nHost: {host}\r\n".encode() in head


@pytest.mark.parametrize("location", REDIRECTS_REFUSED)
async def test_a_redirect_there_is_not_followed(web: Web, world: World, location: str) -> None:
    world.location = location

    with pytest.raises(Refused):
        await web.get("http://public.test/")

    assert world.proxy.asked == [f"{PUBLIC}:80"]


@pytest.mark.parametrize(("location", "place"), REDIRECTS_PASSING)
async def test_an_honest_redirect_is_followed(
    web: Web, world: World, location: str, place: str
) -> None:
    world.location = location

    answer = await web.get("http://public.test/")

    assert answer.body == b"ok"
    assert world.proxy.asked == [f"{PUBLIC}:80", place]


async def test_redirects_in_a_circle_come_to_an_end(web: Web, world: World) -> None:
    world.location = "http://public.test/"

    with pytest.raises(Unreachable, match="more than 5"):
        await web.get("http://public.test/")

    assert len(world.proxy.asked) == 6


async def test_a_name_that_changes_its_mind_is_asked_once_and_pinned(
    web: Web, world: World
) -> None:
    answer = await web.get("http://rebind.test/")
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        await web.get("http://rebind.test/")

    assert answer.body == b"ok"
    assert world.proxy.asked == [f"{PUBLIC}:80"]


async def test_a_redirect_back_to_a_name_is_judged_by_its_new_answer(
    web: Web, world: World
) -> None:
    world.location = "http://rebind.test/again"

    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        await web.get("http://rebind.test/")

    assert world.proxy.asked == [f"{PUBLIC}:80"]


async def test_an_address_in_numbers_is_not_asked_of_the_name_server(
    web: Web, world: World
) -> None:
    for url in ("http://2130706433/", "http://127.1/", "http://0x7f.1/", "http://127.0.0.1/"):
        with pytest.raises(Refused):
            await web.get(url)

    assert world.dns.asked == []


async def test_the_name_that_is_looked_up_is_the_name_that_is_told(web: Web, world: World) -> None:
    await web.get("http://STRASSE.test/".replace("SS", "ß"))

    assert {name for name, _ in world.dns.asked} == {"xn--strae-oqa.test"}


async def test_a_name_that_does_not_exist_is_told(web: Web, world: World) -> None:
    with pytest.raises(Unreachable, match=r"nowhere\.test is not found"):
        await web.get("http://nowhere.test/")


async def test_a_name_server_that_is_silent_costs_no_more_than_the_time(
    web: Web, world: World
) -> None:
    world.dns.zone = {"silent.test": [None]}

    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
        await web.get("http://silent.test/", timeout=0.2)


async def test_only_some_of_very_many_addresses_are_tried(web: Web, world: World) -> None:
    world.proxy.table.clear()

    with pytest.raises(Unreachable, match="the proxy answers 502"):
        await web.get("http://many.test/")

    assert len(world.proxy.asked) == 8
