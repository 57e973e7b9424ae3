"""What servers of chat completions send: streams of events, whole and damaged, in any chunks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.clock import FakeClock
from harness.models.bounds import TooMuch
from harness.models.openai import OpenAIModel
from harness.models.openai.errors import Site
from harness.models.openai.key import Key
from harness.models.openai.sse import Event, NotTheProtocol, events
from harness.models.openai.wire import Answer
from harness.models.port import ChatRequest, Message, ModelError, Reply, Role, ToolSpec
from harness.text.surrogates import is_whole
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.strategies import damaged, odd_json

HI = ChatRequest(
    (Message(Role.USER, "Hi."),), (ToolSpec("rss", "Reads.", {"type": "object", "properties": {}}),)
)
STREAM = """data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Let"}}]}

: a sign of life
data: {"choices": [{"delta": {"content": " me <think>x</think>"}}], "usage": null}

event: message
data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "type": "function",
data:  "function": {"name": "rss", "arguments": "{\\"limit\\""}}]}}]}

data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ": 3}"}}]}}]}

data: {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}

data: {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 7}}

data: [DONE]

"""
WHOLE = """data: {"choices": [{"message": {"content": "Nothing.", "tool_calls": null},
data: "finish_reason": "stop"}], "usage": {"prompt_tokens": -5, "completion_tokens": 1e999}}

"""
FAILED = """error: {"code": 500, "message": "out of memory"}

data: {"error": {"message": "over", "type": "server_error", "code": "500"}}

"""
piece = st.fixed_dictionaries(
    {},
    optional={
        "index": odd_json,
        "id": odd_json,
        "function": st.one_of(
            odd_json, st.fixed_dictionaries({}, optional={"name": odd_json, "arguments": odd_json})
        ),
    },
)
said = st.fixed_dictionaries(
    {},
    optional={"content": odd_json, "refusal": odd_json, "tool_calls": st.lists(piece, max_size=4)},
)
choice = st.fixed_dictionaries(
    {}, optional={"delta": st.one_of(said, odd_json), "message": said, "finish_reason": odd_json}
)
counts = st.fixed_dictionaries(
    {}, optional={"prompt_tokens": odd_json, "completion_tokens": odd_json}
)
event = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.one_of(st.lists(choice, max_size=2), odd_json),
        "usage": st.one_of(counts, odd_json),
        "error": odd_json,
    },
)


@EFFORT
@given(damaged((STREAM, WHOLE, FAILED)), st.integers(1, 200))
def test_a_damaged_stream_is_events_or_none(text: str, size: int) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with bounded():
        try:
            found = asyncio.run(all_of([data[at : at + size] for at in range(0, len(data), size)]))
        except (NotTheProtocol, TooMuch):
            return
    assert all(each is None or isinstance(each, dict) for each in found)


@EFFORT
@given(st.lists(event, max_size=5))
def test_whatever_events_say_is_a_reply_or_an_error_of_the_port(said: list[Event]) -> None:
    with bounded():
        try:
            reply = answer_of(said)
        except ModelError:
            return

    assert 0 <= reply.usage.prompt < 10**9 > reply.usage.completion >= 0
    assert is_whole(reply.finish)
    assert len(reply.finish) <= 40
    for call in reply.message.tool_calls:
        json.dumps(dict(call.arguments), allow_nan=False)
        assert is_whole(call.name)


async def all_of(chunks: Sequence[bytes]) -> list[Event | None]:
    async def coming() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [each async for each in events(coming())]


def answer_of(said: Sequence[Mapping[str, Any]]) -> Reply:
    model = OpenAIModel("http://127.0.0.1:9/v1", "m", clock=FakeClock())
    answer = Answer(Site("http://127.0.0.1:9/v1", "m", Key()), None)
    for each in said:
        answer.add(each)
    return model._reply(HI, answer, 10, {})
