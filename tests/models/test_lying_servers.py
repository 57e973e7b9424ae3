"""Servers that lie, babble and never end, in both protocols: none fills the memory, stops the pool,
or gets more than an honest one."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from harness.clock import FakeClock
from harness.errors import UsageError
from harness.models import glance
from harness.models.bounds import LONGEST_WHOLE, MOST_CALLS
from harness.models.gauge import Gauge
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.plan.shape import shape_of_show
from harness.models.pool.pool import Pool
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelUnavailable,
    Role,
)
from tests.models.lying import JSON, Drip, Liar, Without, endless, line
from tests.models.openai.server import DONE, Said, Server, delta, event, says, usage
from tests.models.openai.using import HI, KEY, SECRET, WITH_RSS, talking

QUICK = Timeouts(load=20.0, first_token=20.0, idle=20.0, look=0.01, close=0.2)
PATIENT = Timeouts(first_token=20.0, idle=20.0, close=0.2)
LEFT = r"longer than|come to an end"
HUGE = "1" + "0" * 400
DEEP = b"[" * 200_000
CALL = {"function": {"name": "rss", "arguments": {}}}


@asynccontextmanager
async def asking(liar: Liar) -> AsyncIterator[OllamaModel]:
    pool = Pool([OllamaHost(liar.address)], timeouts=QUICK)
    model = OllamaModel(pool, "qwen3:8b", clock=FakeClock())
    try:
        yield model
    finally:
        await model.aclose()


@pytest.mark.parametrize(
    "piece",
    [
        b"x" * 100_000,
        b"data: " + b"x" * 100_000 + b"\n",
        b"data:\n" * 20_000,
        delta(content="x" * 100_000),
        delta(tool_calls=[{"index": 0, "function": {"name": "rss", "arguments": "x" * 100_000}}]),
        b"".join(delta(tool_calls=[{"index": n, **CALL}]) for n in range(200)),
    ],
    ids=["line", "event", "empty", "words", "arguments", "calls"],
)
async def test_an_answer_without_end_is_left(piece: bytes) -> None:
    async with (
        Server(Said(Without(piece))) as server,
        talking(server.url, timeouts=PATIENT) as model,
    ):
        with pytest.raises(ModelError, match=LEFT):
            await model.chat(WITH_RSS)


@pytest.mark.parametrize(
    "piece",
    [
        b"x" * 100_000,
        line(message={"role": "assistant", "content": "x" * 100_000}),
        line(message={"role": "assistant", "content": "", "thinking": "x" * 100_000}),
        line(message={"role": "assistant", "content": "", "tool_calls": [CALL] * 50}),
    ],
    ids=["line", "words", "thoughts", "calls"],
)
async def test_an_answer_without_end_of_an_ollama_is_left(piece: bytes) -> None:
    async with Liar(api_chat=endless(piece)) as liar, asking(liar) as model:
        with pytest.raises(ModelError, match=LEFT):
            await model.chat(HI)


@pytest.mark.parametrize("path", ["api_ps", "api_tags"])
async def test_a_list_without_end_is_left(path: str) -> None:
    async with Liar(**{path: endless(b" " * 100_000)}) as liar:
        host = OllamaHost(liar.address)
        ask = host.running if path == "api_ps" else host.sizes
        with pytest.raises(ModelUnavailable, match=f"longer than {LONGEST_WHOLE}"):
            await ask()
        await host.aclose()


@pytest.mark.parametrize("path", ["api_ps", "api_chat"])
async def test_what_is_nested_without_end_is_told_and_nobody_waits(path: str) -> None:
    async with Liar(**{path: DEEP}) as liar, asking(liar) as model:
        with pytest.raises(ModelUnavailable):
            await asyncio.wait_for(model.chat(HI), 10)


@pytest.mark.parametrize("number", [HUGE, str(2**63), str(-(2**63)), "-5", '"x"', "1e308", "null"])
@pytest.mark.parametrize("name", ["qwen3:8b", "other", "\\ud800"])
async def test_sizes_that_no_memory_has_stop_no_call(name: str, number: str) -> None:
    there = f'"size": {number}, "size_vram": {number}, "context_length": {number}'
    ps = f'{{"models": [{{"model": "{name}", {there}}}]}}'.encode()
    tags = f'{{"models": [{{"model": "qwen3:8b", "size": {number}}}]}}'.encode()

    async with Liar(api_ps=ps, api_tags=tags) as liar, asking(liar) as model:
        try:
            reply = await asyncio.wait_for(model.chat(HI), 15)
        except ModelUnavailable:  # where the client takes it for no answer at all
            pass
        else:
            assert reply.message.content == "hello"


async def test_numbers_that_no_call_has_are_no_counts() -> None:
    last = (
        b'{"message": {"content": "hello"}, "done": true, "done_reason": {"a": "\\ud800"},'
        b'"prompt_eval_count": %s, "eval_count": -5, "total_duration": "x", "eval_duration": NaN,'
        b'"prompt_eval_duration": %s, "load_duration": []}\n'
    ) % (HUGE.encode(), HUGE.encode())
    async with Liar(api_chat=last) as liar, asking(liar) as model:
        reply = await model.chat(HI)

    assert (reply.usage.estimated, reply.usage.prompt, reply.usage.completion) == (True, 5, 1)
    assert reply.timings["eval"] == reply.timings["prompt"] == reply.timings["total"] == 0
    assert reply.finish.encode()
    assert len(reply.finish) <= 40


async def test_numbers_that_no_call_has_are_no_counts_in_openais_form_either() -> None:
    counts = f'{{"choices": [], "usage": {{"prompt_tokens": {HUGE}, "completion_tokens": -5}}}}'
    said = Said([delta(content="hello"), delta("x" * 1000), event(counts), DONE])

    async with Server(said) as server, talking(server.url) as model:
        reply = await model.chat(HI)

    assert reply.usage.estimated
    assert max(reply.usage.prompt, reply.usage.completion) < 100
    assert len(reply.finish) <= 40


@pytest.mark.parametrize("index", [[1], {"a": 1}, "x", None, 1.5, True])
async def test_a_call_in_any_place_is_one_call(index: Any) -> None:
    pieces = [
        delta(tool_calls=[{"index": index, "id": "a", "function": {"name": "rss"}}]),
        delta(tool_calls=[{"index": index, "function": {"arguments": '{"limit": 3}'}}]),
    ]
    said = Said([*pieces, delta("tool_calls"), DONE])
    async with Server(said) as server, talking(server.url) as model:
        reply = await model.chat(WITH_RSS)

    assert [dict(call.arguments) for call in reply.message.tool_calls] == [{"limit": 3}]


@pytest.mark.parametrize("id", ["\ud800", "x" * 100_000])
async def test_an_id_that_cannot_go_back_stops_no_later_call(id: str) -> None:
    piece = delta(tool_calls=[{"index": 0, "id": id, "function": {"name": "rss"}}])
    said = Said([piece, delta("tool_calls"), DONE])
    async with Server(said, says("done")) as server, talking(server.url) as model:
        reply = await model.chat(WITH_RSS)
        (call,) = reply.message.tool_calls
        result = Message(Role.TOOL, "three", call_id=call.id, tool_name="rss")
        after = await model.chat(ChatRequest([*HI.messages, reply.message, result]))

    assert after.message.content == "done"
    (made,) = server.asked[-1].body["messages"][1]["tool_calls"]
    assert len(made["id"]) < 300
    assert made["id"] == server.asked[-1].body["messages"][2]["tool_call_id"]


async def test_a_name_without_end_is_no_tools() -> None:
    piece = delta(tool_calls=[{"index": 0, "function": {"name": "x" * 1000, "arguments": "{}"}}])
    said = Said([piece, delta("tool_calls"), DONE])
    async with Server(said) as server, talking(server.url) as model:
        with pytest.raises(BadReply):
            await model.chat(WITH_RSS)


async def test_calls_written_in_words_are_bounded_like_others() -> None:
    text = '<tool_call>{"name": "rss", "arguments": {}}</tool_call>' * (MOST_CALLS + 1)
    async with Server(says(text)) as server, talking(server.url) as model:
        with pytest.raises(BadReply, match="129 tool calls"):
            await model.chat(WITH_RSS)


async def test_a_key_that_the_server_says_back_in_its_head_is_in_no_error() -> None:
    async with (
        Server(Said(status=SECRET)) as server,  # type: ignore[arg-type]
        talking(server.url, KEY) as model,
    ):
        with pytest.raises(ModelUnavailable) as caught:
            await model.chat(HI)

    assert "illegal status line" in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_no_key_of_the_environment_goes_to_an_ollama(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", SECRET)
    async with Liar() as liar, asking(liar) as model:
        await model.chat(HI)

    assert liar.asked
    assert not any(SECRET in str(asked.headers) for asked in liar.asked)


async def test_one_absurd_count_does_not_end_all_later_calls() -> None:
    long = ChatRequest([Message(Role.USER, "word " * 400)])
    lie = Said([delta(content="x"), delta("stop"), usage(10**12, 5), DONE])
    gauge = Gauge()

    async with Server(lie, says("again")) as server, talking(server.url, gauge=gauge) as model:
        await model.chat(long)
        reply = await model.chat(long)

    assert reply.message.content == "again"


async def test_an_unasked_for_compression_is_unpacked_within_bounds() -> None:
    bomb = gzip.compress(b"data: " + b"x" * 400_000_000, 1)
    said = Said([bomb], headers={"Content-Encoding": "gzip"})
    async with Server(said) as server, talking(server.url, timeouts=PATIENT) as model:
        with pytest.raises(ModelUnavailable, match="longer than"):
            await model.chat(HI)


async def test_no_server_leads_its_caller_elsewhere() -> None:
    async with Server(says("here")) as other:
        leads = Said(status=302, headers={**JSON, "Location": other.url})
        lies = Liar(api_chat=leads, api_ps=leads, api_tags=leads)
        async with lies as liar, asking(liar) as model:
            with pytest.raises(ModelError):
                await model.chat(HI)

    assert other.asked == []


async def test_an_error_without_end_is_told_in_short_and_commands_no_terminal() -> None:
    said = line(error="\x1b[2J" + "x" * 1_000_000)
    async with Liar(api_chat=said) as liar, asking(liar) as model:
        with pytest.raises(ModelError) as caught:
            await model.chat(HI)

    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)


async def test_of_many_models_that_a_server_has_a_few_are_told() -> None:
    names = [{"model": f"\x1b[2Jm{n}", "size": 1} for n in range(20_000)]
    async with Liar(api_tags=line(models=names)) as liar:
        host = OllamaHost(liar.address)
        told = await host.probe("qwen3:8b")
        await host.aclose()

    assert told is not None
    assert "has no model qwen3:8b" in told
    assert len(told) < 1000
    assert "\x1b" not in told


@pytest.mark.parametrize("body", [DEEP, b"[]", b'{"models": {}}', HUGE.encode(), b""])
async def test_a_glance_at_a_liar_is_a_glance(body: bytes) -> None:
    async with Liar(api_ps=body, api_show=body) as liar:
        server = await asyncio.to_thread(glance.ask, liar.address)
        shown = await asyncio.to_thread(glance.show, liar.address, "qwen3:8b")

    assert server.loaded == ()
    assert not (shown or {}).get("model_info")


async def test_a_glance_waits_for_no_server_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "SECONDS", 0.5)
    async with Drip() as drip:
        server = await asyncio.wait_for(asyncio.to_thread(glance.ask, drip.address), 10)

    assert server.trouble is not None


async def test_a_glance_reads_no_list_without_end() -> None:
    async with Liar(api_tags=endless(b" " * 1_000_000)) as liar:
        server = await asyncio.to_thread(glance.ask, liar.address)

    assert server.trouble is not None


SHOWN = {
    "general.architecture": "qwen3",
    "general.parameter_count": 8_000_000_000,
    "qwen3.block_count": 36,
    "qwen3.attention.head_count": 32,
    "qwen3.embedding_length": 4096,
    "qwen3.vocab_size": 151_936,
    "qwen3.context_length": 40_960,
}


LIES = {
    "negative": -5,
    "huge": 10**400,
    "text": "x",
    "list": ["y"],
    "object": {"a": 1},
    "float": 1.5e300,
    "null": None,
}
UNSAID = ("qwen3.vocab_size", "null")  # of most servers, and no lie


@pytest.mark.parametrize(
    ("key", "lie"), [(key, lie) for key in SHOWN for lie in LIES if (key, lie) != UNSAID]
)
def test_a_plan_with_a_shape_that_cannot_be_says_so(key: str, lie: str) -> None:
    shown = {"model_info": {**SHOWN, key: LIES[lie]}}
    with pytest.raises(UsageError, match="qwen3:8b"):
        shape_of_show("qwen3:8b", shown)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_an_error_that_cannot_be_written_down_is_told_all_the_same(status: int) -> None:
    said = {"error": {"message": "no\ud800 \x1b[2Jroom", "code": "\udc00"}}
    async with (
        Server(Said([event(said)] if status == 200 else [line(**said)], status)) as server,
        talking(server.url) as model,
    ):
        with pytest.raises(ModelError, match="room") as caught:
            await model.chat(HI)

    assert str(caught.value).encode()
    assert "\x1b" not in str(caught.value)
