"""The OpenAI-compatible model against a server that says exactly what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from harness.clock import settle
from harness.config.priority import Priority
from harness.models.openai.model import MOST, NEWER_MOST
from harness.models.patience import Timeouts
from harness.models.port import (
    Asker,
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelUnable,
    ModelUnavailable,
    PromptTooLong,
    Role,
    ToolCall,
)
from tests.doubles.ollama import Answer, Fault, OllamaDouble, call
from tests.models.openai.server import DONE, End, Said, Server, delta, event, refuses, says
from tests.models.openai.using import HI, KEY, RSS, SECRET, WITH_RSS, talking


async def test_the_answer_comes_with_the_servers_counts() -> None:
    async with Server(says("Hello, all of you.")) as server, talking(server.url) as model:
        reply = await model.chat(HI)

    assert reply.message == Message(Role.ASSISTANT, "Hello, all of you.")
    assert (reply.usage.prompt, reply.usage.completion, reply.usage.estimated) == (7, 5, False)
    assert (reply.model, reply.finish, reply.degraded) == ("openai/big", "stop", False)
    assert reply.host == server.url.removeprefix("http://").removesuffix("/v1")
    assert reply.timings.keys() == {"queue", "prompt", "eval", "total"}


async def test_text_is_handed_on_as_it_streams() -> None:
    heard: list[str | None] = []
    async with Server(says("Hello, all of you.")) as server, talking(server.url) as model:
        await model.chat(HI, heard.append)

    assert heard == ["Hello, ", "all ", "of ", "you."]


async def test_where_the_server_does_not_count_tokens_they_are_guessed() -> None:
    said = Said([delta(content="Hello."), delta("stop"), DONE])
    async with Server(said) as server, talking(server.url) as model:
        reply = await model.chat(HI)

    assert reply.usage.estimated
    assert reply.usage.prompt > 0
    assert reply.usage.completion > 0


async def test_what_is_asked_is_in_the_form_of_the_protocol() -> None:
    async with Server(says("ok")) as server:
        async with talking(server.url, KEY, temperature=0.2) as model:
            await model.chat(ChatRequest(HI.messages, tools=[RSS], max_tokens=50))

        (asked,) = server.asked

    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.body["messages"] == [{"role": "user", "content": "hi"}]
    assert asked.body["tools"][0]["function"]["parameters"] == RSS.parameters
    assert (asked.body["temperature"], asked.body["max_tokens"]) == (0.2, 50)
    assert asked.body["stream_options"] == {"include_usage": True}


async def test_a_model_that_knows_the_limit_by_its_newer_name_gets_that_from_then_on() -> None:
    told = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    short = ChatRequest(HI.messages, max_tokens=50)
    async with Server(refuses(400, {"message": told}), says("ok")) as server:
        async with talking(server.url) as model:
            replies = [await model.chat(short) for _ in range(2)]

        limits = [asked.body.keys() & {MOST, NEWER_MOST} for asked in server.asked]

    assert [reply.message.content for reply in replies] == ["ok", "ok"]
    assert limits == [{MOST}, {NEWER_MOST}, {NEWER_MOST}]


CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), ({"type": "object"}, False)])
async def test_a_schema_is_strict_where_the_protocol_allows_it(
    schema: dict[str, Any], strict: bool
) -> None:
    async with Server(says("{}")) as server:
        async with talking(server.url) as model:
            await model.chat(ChatRequest(HI.messages, format=schema))

        wish = server.asked[0].body["response_format"]

    assert wish["type"] == "json_schema"
    assert wish["json_schema"] == {"name": "answer", "strict": strict, "schema": schema}


def piece(index: int | None, id: str | None = None, **function: str) -> bytes:
    called: dict[str, Any] = {"function": function}
    if index is not None:
        called["index"] = index
    if id is not None:
        called["id"] = id
    return delta(tool_calls=[called])


FINISHED = [delta("tool_calls"), DONE]


@pytest.mark.parametrize(
    "pieces",
    [
        [
            piece(0, "x", name="rss", arguments=""),
            piece(1, "y", name="rss", arguments='{"lim'),
            piece(0, arguments='{"limit"'),
            piece(1, arguments='it": 2}'),
            piece(0, arguments=": 1}"),
        ],
        [  # whole calls without an index
            piece(None, "x", name="rss", arguments='{"limit": 1}'),
            piece(None, "y", name="rss", arguments='{"limit": 2}'),
        ],
        [  # whole calls that all have the same one
            piece(0, "x", name="rss", arguments='{"limit": 1}'),
            piece(0, "y", name="rss", arguments='{"limit": 2}'),
        ],
    ],
)
async def test_calls_come_in_pieces_and_get_ids_of_ours(pieces: Sequence[bytes]) -> None:
    async with Server(Said([*pieces, *FINISHED])) as server, talking(server.url) as model:
        reply = await model.chat(WITH_RSS)

    first, second = reply.message.tool_calls
    assert (first.arguments, second.arguments) == ({"limit": 1}, {"limit": 2})
    assert len({first.id, second.id, "x", "y"}) == 4


async def test_a_call_goes_back_with_the_id_that_the_server_gave_it() -> None:
    called = Said([piece(0, "x1", name="rss", arguments="{}"), *FINISHED])
    async with Server(called, says("ok")) as server:
        async with talking(server.url) as model:
            asked = (await model.chat(WITH_RSS)).message
            result = Message(Role.TOOL, "nothing", call_id=asked.tool_calls[0].id, tool_name="rss")
            await model.chat(ChatRequest([*HI.messages, asked, result], tools=[RSS]))

        _, assistant, tool = server.asked[1].body["messages"]

    assert assistant["content"] is None
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"] == "x1"
    assert assistant["tool_calls"][0]["function"] == {"name": "rss", "arguments": "{}"}


async def test_where_the_server_numbers_each_reply_anew_no_two_calls_have_one_id() -> None:
    called = Said([piece(0, "call_0", name="rss", arguments="{}"), *FINISHED])
    async with Server(called, called, says("ok")) as server:
        async with talking(server.url) as model:
            talk = list(HI.messages)
            for _ in range(2):
                asked = (await model.chat(ChatRequest(talk, tools=[RSS]))).message
                talk += [asked, Message(Role.TOOL, "-", call_id=asked.tool_calls[0].id)]
            await model.chat(ChatRequest(talk, tools=[RSS]))

        sent = server.asked[2].body["messages"]

    ids = [each["tool_calls"][0]["id"] for each in sent if each.get("tool_calls")]
    assert ids == [each["tool_call_id"] for each in sent if each["role"] == "tool"]
    assert ids[0] == "call_0" != ids[1]


async def test_a_call_of_an_earlier_day_goes_back_with_our_id() -> None:
    talk = [
        *HI.messages,
        Message(Role.ASSISTANT, "", [ToolCall("ours", "rss", {"limit": 3})]),
        Message(Role.TOOL, "nothing", call_id="ours", tool_name="rss"),
    ]
    async with Server(says("ok")) as server:
        async with talking(server.url) as model:
            await model.chat(ChatRequest(talk))

        _, assistant, tool = server.asked[0].body["messages"]

    assert (assistant["tool_calls"][0]["id"], tool["tool_call_id"]) == ("ours", "ours")


async def test_what_is_thought_is_no_part_of_the_answer() -> None:
    heard: list[str | None] = []
    said = Said(
        [
            delta(reasoning_content="They say hi."),
            delta(content="<think>Hm."),
            delta(content="</think>Hello."),
            delta("stop"),
            DONE,
        ]
    )
    async with Server(said) as server, talking(server.url) as model:
        reply = await model.chat(HI, heard.append)

    assert reply.message.content == "Hello."
    assert heard == ["Hello."]


async def test_a_call_written_as_text_is_read() -> None:
    text = '<tool_call>{"name": "rss", "arguments": {"limit": 4}}</tool_call>'
    async with Server(says(text)) as server, talking(server.url) as model:
        reply = await model.chat(WITH_RSS)

    assert [dict(each.arguments) for each in reply.message.tool_calls] == [{"limit": 4}]
    assert reply.message.content == ""


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, "x", name="rss", arguments='{"limit": '), *FINISHED],
        [piece(0, "x", arguments="{}"), *FINISHED],
        [delta(content='<tool_call>{"name": "rss", '), delta("stop"), DONE],
    ],
)
async def test_a_broken_call_is_a_bad_reply_that_shows_what_was_written(
    pieces: Sequence[bytes],
) -> None:
    async with Server(Said(pieces)) as server, talking(server.url) as model:
        with pytest.raises(BadReply) as error:
            await model.chat(WITH_RSS)

    assert "{" in error.value.raw


async def test_an_answer_that_came_whole_instead_of_streamed_is_one_too() -> None:
    message = {"role": "assistant", "content": "Hello."}
    whole = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    said = Said(
        [json.dumps(whole, indent=2).encode()], headers={"Content-Type": "application/json"}
    )
    async with Server(said) as server, talking(server.url) as model:
        reply = await model.chat(HI)

    assert (reply.message.content, reply.usage.prompt) == ("Hello.", 3)


async def test_an_answer_cut_at_its_limit_says_so() -> None:
    said = Said([delta(content="Once upon"), delta("length"), DONE])
    async with Server(said) as server, talking(server.url) as model:
        assert (await model.chat(HI)).finish == "length"


async def test_an_answer_that_a_filter_withheld_may_come_from_another_model() -> None:
    said = Said([delta("content_filter"), DONE])
    async with Server(said) as server, talking(server.url) as model:
        with pytest.raises(ModelUnable, match="withheld"):
            await model.chat(HI)


HALF = delta(content="Once upon a time")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Said([HALF]), "before it was done"),
        (Said([]), "before it was done"),
        (Said([HALF], headers={"Content-Length": "999"}, end=End.RESET), "broke off"),
        (Said([HALF, event("{not json")]), "does not speak OpenAI's protocol"),
        (Said([HALF, event(["a", "list"])]), "does not speak OpenAI's protocol"),
        (Said([HALF, event({"error": {"message": "out of memory"}})]), "out of memory"),
        (Said([HALF, b'error: {"message": "slot is gone"}\n\n']), "slot is gone"),
    ],
)
async def test_an_answer_that_breaks_off_is_none(said: Said, told: str) -> None:
    async with Server(said) as server, talking(server.url) as model:
        with pytest.raises(ModelUnavailable, match=told):
            await model.chat(HI)


async def test_an_answer_without_the_last_word_is_whole_once_its_end_was_told() -> None:
    async with Server(Said([HALF, delta("stop")])) as server, talking(server.url) as model:
        assert (await model.chat(HI)).message.content == "Once upon a time"


async def test_a_server_that_does_not_hang_up_after_its_last_word_is_left() -> None:
    said = says("Well.", end=End.HANG)
    async with Server(said) as server, talking(server.url) as model:
        assert (await model.chat(HI)).message.content == "Well."
        await asyncio.wait_for(server.asked[0].gone.wait(), 5)


@pytest.mark.parametrize(
    ("pieces", "told"),
    [([], "before its first word"), ([HALF], "in the middle"), ([b": ping\n\n"], "before its")],
)
async def test_silence_has_an_end_and_a_sign_of_life_is_no_word(
    pieces: Sequence[bytes], told: str
) -> None:
    soon = Timeouts(first_token=0.5, idle=0.2)
    said = Said(pieces, end=End.HANG)
    async with Server(said) as server, talking(server.url, timeouts=soon) as model:
        with pytest.raises(ModelUnavailable, match=told):
            await model.chat(HI)
        await asyncio.wait_for(server.asked[0].gone.wait(), 5)


async def test_an_event_that_never_ends_does_not_fill_the_memory() -> None:
    flood = Said([b"data: " + b"x" * 1_000_000] + [b"x" * 1_000_000] * 9, end=End.HANG)
    async with Server(flood) as server, talking(server.url) as model:
        with pytest.raises(ModelUnavailable, match="longer than"):
            await model.chat(HI)


async def test_hanging_up_closes_the_connection_and_frees_the_slot() -> None:
    said = Said([HALF], end=End.HANG)
    async with Server(said, says("Next.")) as server, talking(server.url, slots=1) as model:
        heard = asyncio.Event()
        asking = asyncio.create_task(model.chat(HI, lambda _: heard.set()))
        await asyncio.wait_for(heard.wait(), 5)

        asking.cancel()
        await asyncio.wait_for(server.asked[0].gone.wait(), 5)

        assert (await model.chat(HI)).message.content == "Next."


async def test_a_prompt_far_beyond_the_context_is_not_sent() -> None:
    async with Server(says("never")) as server, talking(server.url, num_ctx=1024) as model:
        with pytest.raises(PromptTooLong, match="1024 tokens of big"):
            await model.chat(ChatRequest([Message(Role.USER, "word " * 9000)]))

    assert server.asked == []


def of(agent: str, priority: Priority, text: str) -> ChatRequest:
    return ChatRequest([Message(Role.USER, text)], asker=Asker(agent, priority=priority))


async def test_calls_wait_for_a_slot_the_urgent_ones_in_front() -> None:
    async with Server(says("ok")) as server, talking(server.url, slots=1) as model:
        server.hold = asyncio.Event()
        asking = [asyncio.create_task(model.chat(of("a", Priority.P1, "first")))]
        while not server.asked:
            await asyncio.sleep(0.01)
        for agent, priority, text in (
            ("a", Priority.P2, "whenever"),
            ("a", Priority.P1, "second"),
            ("a", Priority.P1, "third"),
            ("b", Priority.P1, "of another"),
            ("a", Priority.P0, "now"),
        ):
            asking.append(asyncio.create_task(model.chat(of(agent, priority, text))))
            await settle()
        asking.pop(2).cancel()
        server.hold.set()
        await asyncio.gather(*asking)

    order = [asked.body["messages"][0]["content"] for asked in server.asked]
    assert order[:2] == ["first", "now"]
    assert set(order[2:4]) == {"third", "of another"}
    assert order[4:] == ["whenever"]
    assert model.slots.free == 1


@pytest.mark.parametrize("moment", range(1, 40))
async def test_a_call_that_is_cancelled_at_any_moment_gives_its_slot_back(moment: int) -> None:
    async with Server(says("ok")) as server, talking(server.url, slots=1) as model:
        asking = [asyncio.create_task(model.chat(HI)) for _ in range(3)]
        await settle(moment)
        for each in asking[:2]:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

        assert model.slots.free == 1
        assert (await model.chat(HI)).message.content == "ok"


@pytest.mark.parametrize("fault", Fault)
async def test_each_fault_of_an_ollama_behind_this_protocol_is_told(fault: Fault) -> None:
    soon = Timeouts(idle=0.3)
    async with OllamaDouble(["big"]) as double, talking(f"{double.url}/v1", timeouts=soon) as model:
        double.say(Answer("Hello there, all of you.", fault=fault, fault_after=1))
        with pytest.raises(ModelError):
            await model.chat(HI)

        assert (await model.chat(HI)).message.content == "You said: hi"


async def test_an_ollama_can_be_asked_by_this_protocol_too() -> None:
    async with OllamaDouble(["big"]) as double, talking(f"{double.url}/v1") as model:
        double.say(Answer("Look.", calls=[call("rss", limit=1), call("rss", limit=2)]))

        reply = await model.chat(WITH_RSS)

    assert [each.arguments["limit"] for each in reply.message.tool_calls] == [1, 2]
    assert not reply.usage.estimated
