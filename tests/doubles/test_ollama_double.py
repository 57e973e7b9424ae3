"""The double obeys the server it stands for: queue, slots, loads, evictions, timers, silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama
import pytest

from harness.clock import FakeClock, settle
from tests.doubles.ollama import Answer, Fault, OllamaDouble, Rules, Weights, call
from tests.doubles.ollama.durations import keep_alive_seconds
from tests.doubles.ollama.engine import FOREVER, GIB

HI = [{"role": "user", "content": "hi"}]
SMALL = Weights("a:1b", size=2 * GIB)
OTHER = Weights("b:1b", size=2 * GIB)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def ask(http: httpx.AsyncClient, double: OllamaDouble, **body: Any) -> httpx.Response:
    given = {"model": "a:1b", "messages": HI, "stream": False, **body}
    return await http.post(f"{double.url}/api/chat", json=given)


async def until(told: list[str], *wanted: str) -> None:
    """Let the server work until its journal says so."""
    async with asyncio.timeout(5):
        while told != list(wanted):
            await asyncio.sleep(0.001)


async def test_the_last_line_carries_nanoseconds_and_leaves_out_zeros(
    http: httpx.AsyncClient,
) -> None:
    async with OllamaDouble([SMALL], clock=FakeClock()) as double:
        double.say(Answer("Hello there", calls=[call("rss")]))
        lines = (await ask(http, double, stream=True)).text.splitlines()

    *_, called, last = [json.loads(line) for line in lines]
    assert called["message"]["tool_calls"][0]["function"] == {
        "index": 0,
        "name": "rss",
        "arguments": {},
    }
    assert last["done"] is True
    assert last["done_reason"] == "stop"
    assert "load_duration" not in last  # it took no time
    assert isinstance(last["prompt_eval_count"], int)


async def test_not_streaming_gathers_all_of_it(http: httpx.AsyncClient) -> None:
    async with OllamaDouble([SMALL]) as double:
        double.say(Answer("Hello there", thinking="hm", calls=[call("rss"), call("rss", n=1)]))
        message = (await ask(http, double)).json()["message"]

    assert (message["content"], message["thinking"]) == ("Hello there", "hm")
    assert [made["function"]["index"] for made in message["tool_calls"]] == [0, 1]


async def test_the_official_client_reads_it() -> None:
    async with OllamaDouble([SMALL]) as double:
        client = ollama.AsyncClient(double.url)
        double.say("Hello there")

        pieces = [part async for part in await client.chat("a:1b", HI, stream=True)]
        shown = await client.show("a:1b")
        await client.close()  # type: ignore[no-untyped-call]

    assert "".join(part.message.content or "" for part in pieces) == "Hello there"
    assert pieces[-1].done
    assert shown.capabilities == ["completion", "tools"]


async def test_a_prompt_too_long_loses_its_oldest_words_in_silence(http: httpx.AsyncClient) -> None:
    messages = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "the task " * 20},
        {"role": "user", "content": "and now?"},
    ]
    async with OllamaDouble([SMALL]) as double:
        cut = await ask(http, double, messages=messages, options={"num_ctx": 20})
        refused = await ask(
            http, double, messages=messages, options={"num_ctx": 20}, truncate=False
        )

        assert [seen["content"] for seen in double.calls[0].seen] == ["be kind", "and now?"]

    assert (cut.status_code, cut.json()["prompt_eval_count"]) == (200, 4)
    assert refused.status_code == 400
    assert "exceeds the context length" in refused.json()["error"]


async def test_a_last_message_too_long_keeps_its_tail_in_half_the_window(
    http: httpx.AsyncClient,
) -> None:
    messages = [{"role": "user", "content": "x" * 900 + "end"}]
    async with OllamaDouble([SMALL]) as double:
        await ask(http, double, messages=messages, options={"num_ctx": 20})

        (seen,) = double.calls[0].seen

    assert seen["content"].endswith("end")
    assert len(seen["content"]) == 40


async def test_the_context_is_the_servers_unless_asked_and_never_past_the_trained(
    http: httpx.AsyncClient,
) -> None:
    async with OllamaDouble([Weights("a:1b", trained_context=8192)]) as double:
        contexts = []
        for options in ({}, {"num_ctx": 2048}, {"num_ctx": 99_999}):
            await ask(http, double, options=options)
            (runner,) = (await http.get(f"{double.url}/api/ps")).json()["models"]
            contexts.append(runner["context_length"])

        assert contexts == [4096, 2048, 8192]
        assert double.engine.journal == [
            "load a:1b", "reload a:1b", "load a:1b", "reload a:1b", "load a:1b",
        ]  # fmt: skip


async def test_loads_go_one_at_a_time_and_hold_up_every_other_model(
    http: httpx.AsyncClient,
) -> None:
    clock = FakeClock()
    slow = Weights("slow:1b", size=2 * GIB, load_seconds=60)
    async with OllamaDouble([SMALL, OTHER, slow], clock=clock) as double:
        await ask(http, double)
        loading = asyncio.create_task(ask(http, double, model="slow:1b"))
        behind = asyncio.create_task(ask(http, double, model="b:1b"))
        while len(double.calls) < 3:
            await asyncio.sleep(0.001)

        loaded = await ask(http, double)  # passes by the queue
        assert double.engine.journal == ["load a:1b"]
        assert not behind.done()
        await clock.advance(60)
        await asyncio.gather(loading, behind)

    assert loaded.status_code == 200
    assert double.engine.journal[:3] == ["load a:1b", "load slow:1b", "load b:1b"]


async def test_a_queue_at_its_limit_answers_503(http: httpx.AsyncClient) -> None:
    clock = FakeClock()
    slow = Weights("slow:1b", load_seconds=60)
    rules = Rules(max_queue=1)
    async with OllamaDouble([SMALL, slow], rules=rules, clock=clock) as double:
        loading = asyncio.create_task(ask(http, double, model="slow:1b"))
        while not double.calls:
            await asyncio.sleep(0.001)
        await settle()
        queued = asyncio.create_task(ask(http, double))
        while len(double.calls) < 2:
            await asyncio.sleep(0.001)

        refused = await ask(http, double)
        await clock.advance(60)
        await asyncio.gather(loading, queued)

    assert refused.status_code == 503
    assert refused.json()["error"] == (
        "server busy, please try again.  maximum pending requests exceeded"
    )


async def test_one_slot_serves_one_request_at_a_time(http: httpx.AsyncClient) -> None:
    async with OllamaDouble([SMALL]) as double:
        double.say(Answer("one", fault=Fault.HANG, fault_after=1))
        hanging = asyncio.create_task(ask(http, double, stream=True))
        while not double.engine.loaded:
            await asyncio.sleep(0.001)
        waiting = asyncio.create_task(ask(http, double))
        while len(double.calls) < 2:
            await asyncio.sleep(0.001)
        await settle()
        assert not waiting.done()

        hanging.cancel()  # hanging up frees the slot
        answer = await waiting

    assert answer.json()["message"]["content"] == "You said: hi"


async def test_a_model_leaves_when_its_time_after_the_last_request_is_over(
    http: httpx.AsyncClient,
) -> None:
    clock = FakeClock()
    async with OllamaDouble([SMALL], clock=clock) as double:
        await ask(http, double)
        await settle()
        await clock.advance(299)
        assert "a:1b" in double.engine.loaded
        await clock.advance(1)
        assert "a:1b" not in double.engine.loaded

        await ask(http, double, keep_alive=-1)
        await settle()
        await clock.advance(1e6)
        assert "a:1b" in double.engine.loaded

        released = await ask(http, double, messages=[], keep_alive=0)

    assert released.json()["done_reason"] == "unload"
    assert double.engine.journal == ["load a:1b", "expire a:1b", "load a:1b", "unload a:1b"]


async def test_room_is_made_by_the_shortest_keep_alive(http: httpx.AsyncClient) -> None:
    third = Weights("c:1b", size=2 * GIB)
    rules = Rules(max_loaded=2)
    async with OllamaDouble([SMALL, OTHER, third], rules=rules) as double:
        await ask(http, double, model="a:1b", keep_alive="1h")
        await ask(http, double, model="b:1b", keep_alive="1m")
        await ask(http, double, model="c:1b")

        await until(double.engine.journal, "load a:1b", "load b:1b", "evict b:1b", "load c:1b")


async def test_memory_is_counted_with_the_context(http: httpx.AsyncClient) -> None:
    hungry = Weights("h:1b", size=4 * GIB, kv_bytes_per_token=GIB // 1024)
    rules = Rules(memory=16 * GIB)
    async with OllamaDouble([SMALL, hungry], rules=rules) as double:
        await ask(http, double)
        await ask(http, double, model="h:1b", options={"num_ctx": 8192})

        assert double.engine.journal == ["load a:1b", "evict a:1b", "load h:1b"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"model": ""}, 400, "model is required"),
        ({"model": "nope"}, 404, "model 'nope' not found"),
        ({"keep_alive": "300"}, 400, "time: missing unit"),
        ({"think": True}, 400, '"a:1b" does not support thinking'),
        ({"model": "embed:1b"}, 400, '"embed:1b" does not support chat'),
    ],
)
async def test_what_is_wrong_is_said_before_the_first_byte(
    http: httpx.AsyncClient, body: dict[str, Any], status: int, said: str
) -> None:
    embedder = Weights("embed:1b", capabilities=("embedding",))
    async with OllamaDouble([SMALL, embedder]) as double:
        answer = await ask(http, double, **body)

    assert answer.status_code == status
    assert said in answer.json()["error"]


async def test_embeddings_of_texts_with_common_words_lie_close(http: httpx.AsyncClient) -> None:
    embedder = Weights("embed:1b", capabilities=("embedding",))
    async with OllamaDouble([embedder]) as double:
        url = f"{double.url}/api/embed"
        texts = ["the cat sat", "the cat sits", "stock markets fell"]
        answer = await http.post(url, json={"model": "embed:1b", "input": texts})
        bad = await http.post(url, json={"model": "embed:1b", "input": 7})

    one, near, far = answer.json()["embeddings"]
    assert dot(one, near) > dot(one, far)
    assert dot(one, one) == pytest.approx(1.0)
    assert bad.json() == {"error": "invalid input type"}


async def test_it_speaks_the_other_dialect_too(http: httpx.AsyncClient) -> None:
    async with OllamaDouble([SMALL]) as double:
        double.say(Answer("Hello", calls=[call("rss", n=1)]), Answer("Hello there"))
        url = f"{double.url}/v1/chat/completions"
        whole = (await http.post(url, json={"model": "a:1b", "messages": HI})).json()
        streamed = await http.post(url, json={"model": "a:1b", "messages": HI, "stream": True})

    (choice,) = whole["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"n": 1}'
    assert streamed.text.endswith("data: [DONE]\n\n")


async def test_generate_answers_in_its_own_field(http: httpx.AsyncClient) -> None:
    async with OllamaDouble([SMALL]) as double:
        body = {"model": "a:1b", "prompt": "hi", "stream": False}
        answer = (await http.post(f"{double.url}/api/generate", json=body)).json()
        loaded = (await http.post(f"{double.url}/api/generate", json={"model": "a:1b"})).json()

    assert answer["response"] == "You said: hi"
    assert loaded["done_reason"] == "load"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0.0),
        (-1, FOREVER),
        (1.5, 1.5),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("0", 0.0),
    ],
)
def test_keep_alive_is_read_as_go_reads_it(value: object, seconds: float | None) -> None:
    assert keep_alive_seconds(value) == seconds


@pytest.mark.parametrize("value", ["300", "5 m", "", "m", True, []])
def test_a_keep_alive_that_go_refuses_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"time: |invalid keep_alive"):
        keep_alive_seconds(value)


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
