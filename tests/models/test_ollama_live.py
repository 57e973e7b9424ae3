"""The same promises against a real server: `OLLAMA_HOST=... LIVE_MODEL=qwen3:8b pytest -m live`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from harness.clock import SystemClock
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.models.port import ChatRequest, Message, ModelMissing, PromptTooLong, Role, ToolSpec

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif("LIVE_MODEL" not in os.environ, reason="LIVE_MODEL names no model"),
]

WEATHER = ToolSpec(
    "weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def live(model: str, num_ctx: int = 4096) -> OllamaModel:
    host = OllamaHost(os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434"))
    return OllamaModel(
        Pool([host]), model, clock=SystemClock(), num_ctx=num_ctx, options={"seed": 1}
    )


@pytest.fixture
async def model() -> AsyncIterator[OllamaModel]:
    model = live(os.environ["LIVE_MODEL"])
    yield model
    await model.aclose()


async def test_a_real_model_answers_with_counts(model: OllamaModel) -> None:
    reply = await model.chat(ChatRequest([Message(Role.USER, "Say yes.")], max_tokens=50))

    assert await model.probe() is None
    assert reply.message.content
    assert reply.usage.prompt > 0
    assert not reply.usage.estimated


async def test_a_real_model_calls_a_tool(model: OllamaModel) -> None:
    question = Message(Role.USER, "What is the weather in Oslo? Use the tool.")

    reply = await model.chat(ChatRequest([question], [WEATHER], temperature=0.0))

    assert [call.name for call in reply.message.tool_calls] == ["weather"]
    assert "oslo" in str(reply.message.tool_calls[0].arguments).lower()


async def test_a_real_server_refuses_what_does_not_fit(model: OllamaModel) -> None:
    digits = " ".join(str(number) for number in range(4000))  # more tokens than the estimate says

    with pytest.raises(PromptTooLong):
        await model.chat(ChatRequest([Message(Role.USER, digits)]))


async def test_a_real_server_lacks_a_model_of_no_name() -> None:
    model = live("no-such-model:0b")

    with pytest.raises(ModelMissing):
        await model.chat(ChatRequest([Message(Role.USER, "hi")]))
    await model.aclose()
