"""What an OpenAI-compatible server says went wrong, in the port's words; and its key, in none."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.secret_ref import SecretRef
from harness.models.openai.errors import retry_after
from harness.models.openai.key import Key
from harness.models.port import (
    BadReply,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnable,
    ModelUnavailable,
    PromptTooLong,
)
from tests.models.openai.server import Said, Server, refuses, says
from tests.models.openai.using import HI, KEY, SECRET, talking

OVERFLOWS = [
    (
        400,
        {
            "message": "This model's maximum context length is 4096 tokens. However, your messages"
            " resulted in 5000 tokens. Please reduce the length of the messages.",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        },
    ),
    (
        400,
        {
            "code": 400,
            "message": "request (12019 tokens) exceeds the available context size (512 tokens),"
            " try increasing it",
            "type": "exceed_context_size_error",
        },
    ),
    (
        400,
        {
            "message": "The decoder prompt (length 5000) is longer than the maximum model length"
            " of 4096. Make sure that `max_model_len` is no smaller than that.",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
]


@pytest.mark.parametrize(("status", "error"), OVERFLOWS)
async def test_a_prompt_beyond_the_context_is_too_long_in_the_words_of_each_server(
    status: int, error: object
) -> None:
    async with Server(refuses(status, error)) as server, talking(server.url) as model:
        with pytest.raises(PromptTooLong, match="does not fit the context of big"):
            await model.chat(HI)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, "The model `big` does not exist", ModelMissing),
        (429, "Rate limit reached", ModelBusy),
        (503, "Loading model", ModelBusy),
        (429, "insufficient_quota: check your billing", ModelUnavailable),
        (402, "no credits", ModelUnavailable),
        (500, "internal error", ModelUnavailable),
        (502, "bad gateway", ModelUnavailable),
        (400, "`tools` is not supported by this model", ModelUnable),
        (500, "tools param requires --jinja flag", ModelUnable),
        (400, "Invalid parameter: 'response_format' of type 'json_schema'", ModelUnable),
        (500, "error parsing tool call: raw='{', err=unexpected end", BadReply),
        (500, "output that does not match the expected peg-native format", BadReply),
        (400, "temperature is out of range", ModelError),
    ],
)
async def test_each_status_means_one_kind_of_error(
    status: int, message: str, kind: type[ModelError]
) -> None:
    said = refuses(status, {"message": message})
    async with Server(said) as server, talking(server.url) as model:
        with pytest.raises(ModelError) as error:
            await model.chat(HI)

    assert type(error.value) is kind
    assert message in str(error.value)
    assert server.url in str(error.value)


@pytest.mark.parametrize("error", ["plain words", {"message": "in words"}, None])
async def test_an_error_is_told_in_whatever_shape_it_comes(error: object) -> None:
    async with Server(refuses(400, error)) as server, talking(server.url) as model:
        with pytest.raises(ModelError, match="answered 400: "):
            await model.chat(HI)


async def test_a_page_instead_of_an_error_is_told_in_short() -> None:
    page = Said([b"<html>" + b"x" * 100_000], 502, {"Content-Type": "text/html"})
    async with Server(page) as server, talking(server.url) as model:
        with pytest.raises(ModelUnavailable) as error:
            await model.chat(HI)

    assert len(str(error.value)) < 500


async def test_a_busy_server_says_when_it_has_room() -> None:
    said = refuses(429, {"message": "slow down"}, **{"Retry-After": "7"})
    async with Server(said) as server, talking(server.url) as model:
        with pytest.raises(ModelBusy) as error:
            await model.chat(HI)

    assert error.value.after == 7


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("20", 20),
        ("-3", 0),
        ("1e9", 600),
        ("nan", None),
        ("soon", None),
        ("Mon, 05 Jan 2026 12:00:30 GMT", 30),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read_and_bounded(
    said: str | None, seconds: float | None
) -> None:
    assert retry_after(said, datetime(2026, 1, 5, 12, tzinfo=UTC)) == seconds


async def test_nothing_at_the_address_is_told_as_that() -> None:
    async with Server(says("gone")) as server:
        url = server.url
    async with talking(url) as model:
        with pytest.raises(ModelUnavailable, match=f"nothing answers at {url}"):
            await model.chat(HI)


async def test_a_redirect_is_not_followed_with_our_words_and_our_key() -> None:
    async with Server(says("stolen")) as elsewhere:
        there = Said(status=307, headers={"Location": f"{elsewhere.url}/chat/completions"})
        async with Server(there) as server, talking(server.url, KEY) as model:
            with pytest.raises(ModelUnavailable, match="redirects are not followed"):
                await model.chat(HI)

    assert elsewhere.asked == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_named_by_its_place_and_never_said(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    said = refuses(status, {"message": f"Incorrect API key provided: {SECRET}."})
    with caplog.at_level(logging.DEBUG):
        async with Server(said) as server, talking(server.url, KEY) as model:
            with pytest.raises(ModelUnable) as error:
                await model.chat(HI)
            reason = await model.probe()

    told = "".join(traceback.format_exception(error.value))
    assert "HOSTED_KEY" in str(error.value)
    assert "HOSTED_KEY" in str(error.value.hint)
    assert "HOSTED_KEY" in str(reason)
    assert SECRET not in f"{told}{error.value.hint}{reason}{KEY!r}{model!r}{caplog.text}"


async def test_a_server_that_wants_a_key_where_none_was_given_says_how_to_give_one() -> None:
    async with Server(refuses(401, "no key")) as server, talking(server.url) as model:
        with pytest.raises(ModelUnable) as error:
            await model.chat(HI)

    assert "api_key" in str(error.value.hint)


@pytest.mark.parametrize("value", [None, "", "two\nlines", "schlüssel"])
async def test_without_a_key_where_it_should_be_nothing_is_asked(value: str | None) -> None:
    key = Key(SecretRef(env="HOSTED_KEY"), {} if value is None else {"HOSTED_KEY": value})
    async with Server(says("never")) as server, talking(server.url, key) as model:
        with pytest.raises(ModelUnable, match="no key in HOSTED_KEY"):
            await model.chat(HI)

        assert "HOSTED_KEY" in str(await model.probe())

    assert server.asked == []


async def test_a_key_in_a_file_is_read_anew_for_each_call(tmp_path: Path) -> None:
    path = tmp_path / "hosted.key"
    key = Key(SecretRef(file=path))
    async with Server(says("ok")) as server, talking(server.url, key) as model:
        for value in ("first", "second"):
            path.write_text(f"{value}\n")
            await model.chat(HI)

    assert [asked.headers["authorization"] for asked in server.asked] == [
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize("status", [200, 404, 405])
async def test_a_probe_asks_for_the_models_and_a_missing_route_is_no_trouble(status: int) -> None:
    said = Said([b'{"data": []}'], status, {"Content-Type": "application/json"})
    async with Server(said) as server, talking(server.url, KEY) as model:
        assert await model.probe() is None

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/v1/models")
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


async def test_a_probe_asks_no_more_than_once_a_minute() -> None:
    clock = FakeClock()
    ill, well = refuses(500, "ill"), says("well")
    async with Server(ill, well) as server, talking(server.url, clock=clock) as model:
        found = [await model.probe() for _ in range(5)]
        await clock.advance(60)
        found.append(await model.probe())

    assert [reason is None for reason in found] == [False] * 5 + [True]
    assert len(server.asked) == 2


async def test_far_addresses_are_reached_through_the_proxy_of_the_settings_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with Server(says("ok")) as proxy:
        through = proxy.url.removesuffix("/v1")
        async with talking("http://far.invalid/v1", proxy=through) as model:
            assert (await model.chat(HI)).message.content == "ok"

        assert proxy.asked[0].path == "http://far.invalid/v1/chat/completions"
