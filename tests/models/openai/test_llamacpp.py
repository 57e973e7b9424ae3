"""The OpenAI-compatible model against a real server: llama.cpp with a tiny random model.

What it says is nonsense; how it says it, refuses, stops and obeys a schema is llama.cpp's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.models.openai import OpenAIModel
from harness.models.port import ChatRequest, Message, PromptTooLong, Role
from tests.models.openai.tiny import write_tiny_model
from tests.models.openai.using import HI, talking

WHY = "needs llama.cpp's server: pip install xllamacpp gguf"
xllamacpp = pytest.importorskip("xllamacpp", reason=WHY)
gguf = pytest.importorskip("gguf", reason=WHY)
numpy = pytest.importorskip("numpy", reason=WHY)

SLOTS, CONTEXT = 2, 4096
ENDLESS = ChatRequest(HI.messages, temperature=0)  # the likeliest token is never the end
SHORT = ChatRequest(HI.messages, max_tokens=8)
SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "pattern": "^[a-z]{1,8}$"},
        "rank": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["title", "rank"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_model(path, gguf, numpy)
    wishes = xllamacpp.CommonParams()
    wishes.model.path = str(path)
    wishes.n_ctx, wishes.n_parallel, wishes.port = SLOTS * CONTEXT, SLOTS, 0
    wishes.n_gpu_layers, wishes.cpuparams.n_threads = 0, 1
    wishes.endpoint_slots, wishes.warmup, wishes.verbosity = True, False, -1
    server = xllamacpp.Server(wishes)
    yield f"{server.listening_address}/v1"
    del server


async def working(url: str) -> int:
    """How many of the server's slots are at work."""
    async with httpx.AsyncClient() as http:
        slots: list[dict[str, Any]] = (await http.get(url.replace("/v1", "/slots"))).json()
    assert len(slots) == SLOTS
    return sum(slot["is_processing"] for slot in slots)


async def until_at_work(url: str, count: int) -> None:
    async with asyncio.timeout(5):
        while await working(url) != count:
            await asyncio.sleep(0.01)


def begin(model: OpenAIModel) -> tuple[asyncio.Task[Any], asyncio.Event]:
    """A call without end, and the event of its first word."""
    heard = asyncio.Event()
    return asyncio.create_task(model.chat(ENDLESS, lambda _: heard.set())), heard


async def test_text_streams_and_the_server_counts_its_tokens(url: str) -> None:
    heard: list[str | None] = []
    async with talking(url) as model:
        reply = await model.chat(SHORT, heard.append)

    assert "".join(filter(None, heard)).strip() == reply.message.content
    assert (reply.usage.completion, reply.usage.estimated) == (8, False)
    assert reply.finish == "length"
    assert reply.model == "openai/big"


async def test_a_schema_is_obeyed_even_by_random_weights(url: str) -> None:
    async with talking(url) as model:
        replies = [await model.chat(ChatRequest(HI.messages, format=SCHEMA)) for _ in range(3)]

    for reply in replies:
        answer = json.loads(reply.message.content)
        assert answer.keys() == {"title", "rank"}
        assert answer["rank"] in range(10)


async def test_a_prompt_beyond_the_context_is_too_long(url: str) -> None:
    async with talking(url, num_ctx=8 * CONTEXT) as model:
        with pytest.raises(PromptTooLong, match="exceeds the available context size"):
            await model.chat(ChatRequest([Message(Role.USER, "word " * CONTEXT)]))


async def test_hanging_up_frees_the_servers_slot(url: str) -> None:
    async with talking(url) as model:
        asking, heard = begin(model)
        await asyncio.wait_for(heard.wait(), 5)
        assert await working(url) == 1

        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until_at_work(url, 0)

        assert (await model.chat(SHORT)).usage.completion == 8


async def test_no_more_calls_are_at_work_than_there_are_slots(url: str) -> None:
    async with talking(url, slots=SLOTS) as model:
        calls = [begin(model) for _ in range(SLOTS + 1)]
        for _, heard in calls[:SLOTS]:
            await asyncio.wait_for(heard.wait(), 5)
        assert not calls[SLOTS][1].is_set()

        calls[0][0].cancel()
        await asyncio.wait_for(calls[SLOTS][1].wait(), 5)

        for asking, _ in calls:
            asking.cancel()
        await asyncio.gather(*(asking for asking, _ in calls), return_exceptions=True)
        await until_at_work(url, 0)


async def test_many_calls_at_a_time_are_all_answered(url: str) -> None:
    async with talking(url, slots=SLOTS) as model:
        replies = await asyncio.gather(*(model.chat(SHORT) for _ in range(12)))

    assert {reply.usage.completion for reply in replies} == {8}
    assert model.slots.free == SLOTS
