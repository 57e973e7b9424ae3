"""The guarded client, against a real server."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from harness.clock import Clock, FakeClock, SystemClock
from harness.network.address import Refused
from harness.network.errors import NetworkError
from harness.network.exchange import USER_AGENT
from harness.network.inflate import Damaged, TooLarge
from harness.network.politeness import Politeness
from harness.network.web import Unreachable, Web
from tests.doubles import feed_server
from tests.doubles.feed_server import FeedServer
from tests.tools.conftest import TRUSTS_NOBODY

PEM = Path(feed_server.__file__).parent / "tls" / "feeds_test.pem"


class Names:
    """A name server that gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def a_web(clock: Clock, **options: Any) -> Web:
    """A client that knows no manners: nobody moves the clock while it would wait."""
    given = {"verify": TRUSTS_NOBODY} | options
    return Web(clock, politeness=Politeness(clock, gap=0), **given)


async def test_an_answer_says_where_it_came_from(web: Web, server: FeedServer) -> None:
    answer = await web.get(server.url("/to_article"))

    assert answer.ok
    assert answer.url == server.url("/articles/granite-5")
    assert answer.media_type == "text/html"
    assert "Granite 5" in answer.text


async def test_the_client_says_who_it_is(web: Web, server: FeedServer) -> None:
    await web.get(server.url("/echo"))

    (asked,) = server.asked
    assert asked.headers["user-agent"] == USER_AGENT
    assert asked.headers["accept-encoding"] == "gzip, deflate"
    assert asked.headers["host"] == server.authority


async def test_a_status_is_no_error_of_the_client(web: Web, server: FeedServer) -> None:
    assert (await web.get(server.url("/gone.xml"))).status == 410


async def test_private_addresses_are_refused_without_a_word_in_settings(
    server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock) as web:
        with pytest.raises(Refused):
            await web.get(server.url("/echo"))

    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.1", "0", "localhost"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[64:ff9b::7f00:1]"),
        *("localhost.", "127.0.0.1.", "169.254.169.254", "①②⑦.⓪.⓪.①"),
    ],
)
async def test_every_spelling_of_this_machine_is_refused(clock: FakeClock, host: str) -> None:
    async with a_web(clock) as web:
        with pytest.raises(Refused):
            await web.get(f"http://{host}/")


@pytest.mark.parametrize("host", ["0177.0.0.1", "017700000001", "127.0.0.1%00.example.org"])
async def test_odder_spellings_reach_nothing(clock: FakeClock, host: str) -> None:
    async with a_web(clock) as web:
        with pytest.raises(NetworkError):
            await web.get(f"http://{host}/")


async def test_the_connection_goes_to_the_address_that_was_judged(
    server: FeedServer, clock: FakeClock
) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])

    async with a_web(clock, allow=[server.authority], resolve=names) as web:
        answer = await web.get(f"http://rebind.test:{server.port}/echo")
        assert names.asked == [("rebind.test", server.port)]
        with pytest.raises(Refused):
            await web.get(f"http://rebind.test:{server.port}/echo")

    assert json.loads(answer.text)["headers"]["host"] == f"rebind.test:{server.port}"
    assert len(server.asked) == 1


async def test_a_name_with_one_private_address_is_refused(clock: FakeClock) -> None:
    async with a_web(clock, resolve=Names(["93.184.216.34", "10.0.0.1"])) as web:
        with pytest.raises(Refused, match=r"10\.0\.0\.1"):
            await web.get("http://two-faced.test/")


async def test_the_next_address_is_tried_when_one_is_dead(
    server: FeedServer, clock: FakeClock
) -> None:
    allow = [server.authority, f"127.0.0.3:{server.port}"]

    async with a_web(clock, allow=allow, resolve=Names(["127.0.0.3", "127.0.0.1"])) as web:
        answer = await web.get(f"http://two-homes.test:{server.port}/plain.txt")

    assert answer.body == b"just text\n"


async def test_unknown_hosts_are_told(clock: FakeClock) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async with a_web(clock, resolve=nowhere) as web:
        with pytest.raises(Unreachable, match=r"no-such-host\.test is not found"):
            await web.get("http://no-such-host.test/")
    async with a_web(clock, resolve=Names([])) as web:
        with pytest.raises(Unreachable, match="no address"):
            await web.get("http://empty.test/")


async def test_nobody_listening_is_told(server: FeedServer, clock: FakeClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"

        async with a_web(clock, allow=[place]) as web:
            with pytest.raises(Unreachable, match="no connection to"):
                await web.get(f"http://{place}/")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/to_private.xml", "not public"),
        ("/to_port.xml", "port 22"),
        ("/to_file.xml", "http://"),
        ("/bad_location", "its host is no name"),
    ],
)
async def test_a_redirect_is_judged_like_an_address(
    web: Web, server: FeedServer, path: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await web.get(server.url(path))


async def test_five_redirects_are_followed_and_no_more(web: Web, server: FeedServer) -> None:
    assert (await web.get(server.url("/hops/5"))).status == 200
    with pytest.raises(Unreachable, match="more than 5"):
        await web.get(server.url("/hops/6"))


async def test_secrets_stay_at_their_host(server: FeedServer, clock: FakeClock) -> None:
    given = {"Authorization": "Bearer x", "X-Api-Key": "y", "If-None-Match": "z"}

    async with a_web(clock, allow=[server.authority], resolve=Names(["127.0.0.1"])) as web:
        same = json.loads((await web.get(server.url("/see_other"), headers=given)).text)
        other = json.loads((await web.get(server.url("/to_other_name"), headers=given)).text)

    assert {"authorization", "x-api-key", "if-none-match"} <= set(same["headers"])
    assert "if-none-match" in other["headers"]
    assert not {"authorization", "x-api-key"} & set(other["headers"])
    assert other["headers"]["host"].startswith("other.test:")


async def test_cookies_are_not_kept(web: Web, server: FeedServer) -> None:
    await web.get(server.url("/cookie"))
    await web.get(server.url("/echo"))

    assert "cookie" not in server.asked[-1].headers


async def test_proxies_of_the_environment_are_not_used(
    server: FeedServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with a_web(clock, allow=[server.authority]) as web:
        assert (await web.get(server.url("/plain.txt"))).ok


@pytest.mark.parametrize("path", ["/huge.xml", "/bomb.xml"])
async def test_more_than_the_limit_is_not_read(web: Web, server: FeedServer, path: str) -> None:
    with pytest.raises(TooLarge, match="longer than 5120 KiB"):
        await web.get(server.url(path))


async def test_a_limit_may_be_smaller(web: Web, server: FeedServer) -> None:
    with pytest.raises(TooLarge):
        await web.get(server.url("/rss20.xml"), max_bytes=100)


@pytest.mark.parametrize(
    "path", ["/gzip.xml", "/gzip_twice.xml", "/deflate.xml", "/raw_deflate.xml"]
)
async def test_packed_bodies_are_unpacked(web: Web, server: FeedServer, path: str) -> None:
    answer = await web.get(server.url(path))

    assert answer.text.startswith("<?xml")
    assert answer.text.rstrip().endswith(">")


async def test_packed_twice_is_refused(web: Web, server: FeedServer) -> None:
    with pytest.raises(Damaged):
        await web.get(server.url("/double_bomb.xml"))


@pytest.mark.parametrize("path", ["/slow.xml", "/stall.xml"])
async def test_a_server_that_never_ends_is_left(web: Web, server: FeedServer, path: str) -> None:
    with pytest.raises(Unreachable, match=r"did not answer within 0\.1 s"):
        await web.get(server.url(path), timeout=0.1)


async def test_a_body_that_breaks_off_is_told(web: Web, server: FeedServer) -> None:
    with pytest.raises(Unreachable, match="broke off"):
        await web.get(server.url("/cut.xml"))


async def test_only_the_head_is_read_when_that_is_enough(web: Web, server: FeedServer) -> None:
    answer = await web.get(server.url("/huge.xml"), read_body=False)

    assert (answer.status, answer.body) == (200, b"")


async def test_a_certificate_is_checked_against_the_name_and_not_the_address(
    clock: FakeClock,
) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(PEM)
    trusted = ssl.create_default_context(cafile=PEM)

    async with (
        FeedServer(tls=own) as server,
        a_web(clock, allow=[server.authority], resolve=Names(["127.0.0.1"]), verify=trusted) as web,
    ):
        answer = await web.get(f"https://feeds.test:{server.port}/plain.txt")
        assert answer.body == b"just text\n"
        with pytest.raises(Unreachable, match="certificate"):
            await web.get(f"https://other.test:{server.port}/plain.txt")


async def test_two_names_of_one_address_share_no_connection(
    server: FeedServer, clock: FakeClock
) -> None:
    async with a_web(clock, allow=[server.authority], resolve=Names(["127.0.0.1"])) as web:
        for name in ("one.test", "two.test", "one.test"):
            await web.get(f"http://{name}:{server.port}/echo")

    assert server.connections == 3


async def test_waiting_for_a_turn_is_not_the_servers_fault(server: FeedServer) -> None:
    clock = SystemClock()
    one_by_one = Politeness(clock, at_once=1, gap=0)

    async with Web(
        clock, allow=[server.authority], politeness=one_by_one, verify=TRUSTS_NOBODY
    ) as web:
        slow = [web.get(server.url("/slow.xml"), timeout=0.3) for _ in range(2)]
        fast = web.get(server.url("/plain.txt"), timeout=0.5)
        *failed, answer = await asyncio.gather(*slow, fast, return_exceptions=True)

    assert all(isinstance(error, Unreachable) for error in failed)
    assert not isinstance(answer, BaseException)
    assert answer.ok


async def test_a_bad_entry_of_the_settings_is_told_at_once(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Web(clock, allow=["localhost"])
