"""Hooks that are addresses: what is posted, and what the answers mean."""

import json
import ssl
import threading
from pathlib import Path

import pytest

from harness.config.hooks import Hook, HookEvent
from harness.hooks.verdict import PASSED
from tests.doubles import feed_server
from tests.doubles.feed_server import FeedServer
from tests.hooks.conftest import SOON, Freeze, Server

FINAL = HookEvent.FINAL
PEM = Path(feed_server.__file__).parent / "tls" / "feeds_test.pem"


def hook(server: Server) -> Hook:
    return Hook(on=[FINAL], url=server.url)


async def test_the_facts_are_posted_as_json(server: Server, freeze: Freeze) -> None:
    verdict = await freeze(hook(server)).fire(FINAL, {"agent": "scout", "text": "Grüße"})

    (path, headers, body) = server.got[0]
    assert verdict == PASSED
    assert path == "/hook?key=of-the-query"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Harness-Event"] == "final"
    assert json.loads(body)["text"] == "Grüße"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b'{"decision": "block", "reason": "too long"}', "too long"),
        (200, b'{"decision": "block"}', "a hook refused, and gave no reason"),
        (403, b'{"reason": "not yours"}', "not yours"),
        (403, b"go away", "a hook refused, and gave no reason"),
    ],
)
async def test_a_block_by_the_answer(
    server: Server, freeze: Freeze, status: int, body: bytes, reason: str
) -> None:
    server.status, server.body = status, body

    verdict = await freeze(hook(server)).fire(FINAL, {})

    assert (verdict.blocked, verdict.reason) == (True, reason)


@pytest.mark.parametrize("body", [b"", b"fine", b"[]", b'{"decision": "allow"}', b"[" * 50_000])
async def test_any_other_success_is_fine(server: Server, freeze: Freeze, body: bytes) -> None:
    server.body = body

    assert await freeze(hook(server)).fire(FINAL, {}) == PASSED


@pytest.mark.parametrize(
    ("status", "said"), [(500, "status 500"), (404, "status 404"), (302, "status 302")]
)
async def test_other_answers_warn_and_redirects_are_not_followed(
    server: Server, freeze: Freeze, status: int, said: str
) -> None:
    server.status, server.headers = status, {"Location": "/elsewhere"}

    verdict = await freeze(hook(server)).fire(FINAL, {})

    assert not verdict.blocked
    assert said in verdict.warnings[0]
    assert len(server.got) == 1


async def test_the_query_of_an_address_is_in_no_warning(server: Server, freeze: Freeze) -> None:
    server.status = 500

    verdict = await freeze(hook(server)).fire(FINAL, {})

    assert "of-the-query" not in verdict.warnings[0]


@pytest.mark.parametrize("packing", ["gzip", ""])
async def test_an_answer_that_is_too_large_or_packed_warns(
    server: Server, freeze: Freeze, packing: str
) -> None:
    server.body = b"x" if packing else b"x" * 100_000
    server.headers = {"Content-Encoding": packing} if packing else {}

    verdict = await freeze(hook(server)).fire(FINAL, {})

    assert "packed, or larger than 64 KiB" in verdict.warnings[0]


async def test_a_server_that_is_silent_warns_in_time(server: Server, freeze: Freeze) -> None:
    server.silent = threading.Event()

    impatient = Hook(on=[FINAL], url=server.url, timeout=SOON)
    verdict = await freeze(impatient).fire(FINAL, {})

    assert verdict.warnings[0].endswith("it gave no answer within 0.3 s")


async def test_a_server_that_is_away_warns(server: Server, freeze: Freeze) -> None:
    url = f"http://127.0.0.1:{server.port}"
    away = Hook(on=[FINAL], url=url.replace(str(server.port), "1"))

    verdict = await freeze(away).fire(FINAL, {})

    assert "did not answer: ConnectError" in verdict.warnings[0]


async def test_a_certificate_that_nobody_vouches_for_warns(freeze: Freeze) -> None:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(PEM)
    async with FeedServer(tls=own) as feeds:
        hooks = freeze(Hook(on=[FINAL], url=f"https://127.0.0.1:{feeds.port}/"))

        verdict = await hooks.fire(FINAL, {})

    assert not verdict.blocked
    assert "CERTIFICATE_VERIFY_FAILED" in verdict.warnings[0]


async def test_no_proxy_of_the_environment_is_used(
    server: Server, freeze: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert await freeze(hook(server)).fire(FINAL, {}) == PASSED
