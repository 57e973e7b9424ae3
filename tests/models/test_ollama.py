"""The Ollama model against the double of its server: each trap of the wire, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from harness.clock import FakeClock
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost, same_model
from harness.models.patience import Timeouts
from harness.models.pool.pool import Pool
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnable,
    ModelUnavailable,
    PromptTooLong,
    Role,
    ToolCall,
    ToolSpec,
)
from tests.doubles.ollama import Answer, Fault, OllamaDouble, Rules, Weights, call

HI = ChatRequest([Message(Role.USER, "hi")])
RSS = ToolSpec(
    "rss",
    "Read feeds.",
    {
        "type": "object",
        "properties": {"limit": {"type": "integer", "maximum": 50, "default": 10}},
        "$defs": {},
    },
)
QUICK = Timeouts(load=5.0, first_token=5.0, idle=5.0, look=0.01)


@asynccontextmanager
async def talking(
    double: OllamaDouble, model: str = "qwen3:8b", **settings: Any
) -> AsyncIterator[OllamaModel]:
    pool = Pool([OllamaHost(double.url)], timeouts=settings.pop("timeouts", QUICK))
    ollama = OllamaModel(pool, model, **{"clock": FakeClock(), **settings})
    try:
        yield ollama
    finally:
        await ollama.aclose()


async def test_the_answer_comes_with_the_servers_counts() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Hello there, all of you.", first_after=0.0))

        reply = await model.chat(HI)

    assert reply.message == Message(Role.ASSISTANT, "Hello there, all of you.")
    assert (reply.usage.prompt, reply.usage.completion) == (1, 6)
    assert not reply.usage.estimated
    assert reply.model == "ollama/qwen3:8b"
    assert reply.finish == "stop"
    assert not reply.degraded
    assert reply.timings["total"] > 0


async def test_text_is_handed_on_as_it_streams() -> None:
    heard: list[str | None] = []
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Hello there, all of you.", piece=5))

        await model.chat(HI, heard.append)

    assert heard == ["Hello", " ther", "e, al", "l of ", "you."]


async def test_every_call_names_its_context_and_forbids_silent_truncation() -> None:
    async with OllamaDouble() as double:
        async with talking(double, num_ctx=8192, options={"temperature": 0.2, "seed": 7}) as model:
            await model.chat(ChatRequest(HI.messages, temperature=0.9, max_tokens=50))

        (body,) = double.chats

    assert body["options"] == {"num_ctx": 8192, "temperature": 0.9, "seed": 7, "num_predict": 50}
    assert body["truncate"] is False
    assert body["stream"] is True
    assert body["think"] is False
    assert "keep_alive" not in body


async def test_keep_alive_is_sent_with_the_load_alone() -> None:
    """With a call it would keep a model in memory that the server wants to unload."""
    async with OllamaDouble() as double:
        async with talking(double, keep_alive="15m") as model:
            await model.chat(HI)

        (load,) = (made.body for made in double.calls if made.path == "/api/generate")
        assert load["keep_alive"] == "15m"
        assert load["options"] == {"num_ctx": model.num_ctx}
        assert "keep_alive" not in double.chats[0]


async def test_a_tools_schema_arrives_whole() -> None:
    async with OllamaDouble() as double:
        async with talking(double) as model:
            await model.chat(ChatRequest(HI.messages, tools=[RSS]))

        (tool,) = double.chats[0]["tools"]

    assert tool["function"]["parameters"] == RSS.parameters


async def test_calls_and_their_results_go_back_in_pairs() -> None:
    messages = [
        Message(Role.USER, "news"),
        Message(Role.ASSISTANT, "", [ToolCall("c1", "rss", {"limit": 3})]),
        Message(Role.TOOL, "nothing new", call_id="c1", tool_name="rss"),
    ]
    async with OllamaDouble() as double:
        async with talking(double) as model:
            await model.chat(ChatRequest(messages, tools=[RSS]))

        _, asked, answered = double.chats[0]["messages"]

    assert asked["tool_calls"] == [
        {"id": "c1", "function": {"name": "rss", "arguments": {"limit": 3}}}
    ]
    assert (answered["role"], answered["tool_name"]) == ("tool", "rss")
    assert answered["tool_call_id"] == "c1"


async def test_parallel_tool_calls_get_ids_of_ours_in_order() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Let me look.", calls=[call("rss", limit=1), call("rss", limit=2)]))

        reply = await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    first, second = reply.message.tool_calls
    assert (first.arguments, second.arguments) == ({"limit": 1}, {"limit": 2})
    assert first.id != second.id
    assert reply.message.content == "Let me look."


@pytest.mark.parametrize("arguments", ['{"limit": 4}', {"limit": 4}])
async def test_arguments_come_as_an_object_or_as_a_string_of_it(arguments: object) -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer(calls=[{"name": "rss", "arguments": arguments}]))

        reply = await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    assert reply.message.tool_calls[0].arguments == {"limit": 4}


@pytest.mark.parametrize("arguments", ['{"limit": ', [1, 2], 7])
async def test_arguments_that_are_no_object_are_a_bad_reply(arguments: object) -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer(calls=[{"name": "rss", "arguments": arguments}]))

        with pytest.raises(BadReply, match="broken tool call") as error:
            await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    assert "rss" in error.value.raw


HALF = "\ud83d"  # of a surrogate pair: JSON can say it, UTF-8 and SQLite cannot


@pytest.mark.parametrize(
    "answer",
    [
        Answer(f"See {HALF}.", calls=[{"name": "rss", "arguments": {f"a{HALF}": [HALF, 1]}}]),
        Answer(
            f"See {HALF}.", calls=[{"name": "rss", "arguments": '{"a\\ud83d": ["\\ud83d", 1]}'}]
        ),
        Answer(
            f"See {HALF}."
            '<tool_call>{"name": "rss", "arguments": {"a\\ud83d": ["\\ud83d", 1]}}</tool_call>'
        ),
    ],
)
async def test_half_a_surrogate_pair_does_not_get_past_the_model(answer: Answer) -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(answer)

        reply = await model.chat(ChatRequest(HI.messages, tools=[RSS]))
        again = await model.chat(ChatRequest([*HI.messages, reply.message], tools=[RSS]))

    assert reply.message.content == "See \ufffd."
    assert [made.arguments for made in reply.message.tool_calls] == [{"a\ufffd": ["\ufffd", 1]}]
    assert again.message.content


async def test_half_a_surrogate_pair_in_what_is_asked_reaches_the_server_as_a_mark() -> None:
    async with OllamaDouble() as double:
        async with talking(double) as model:
            await model.chat(ChatRequest([Message(Role.USER, f"what is {HALF}?")]))

        assert double.chats[0]["messages"][0]["content"] == "what is \ufffd?"


async def test_a_call_written_as_text_is_a_call() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say('<tool_call>{"name": "rss", "arguments": {"limit": 5}}</tool_call>')

        reply = await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    assert [(made.name, made.arguments) for made in reply.message.tool_calls] == [
        ("rss", {"limit": 5})
    ]
    assert reply.message.content == ""


async def test_half_a_call_written_as_text_is_a_bad_reply_with_its_text() -> None:
    half = '<tool_call>{"name": "rss", "arguments": {"lim'
    async with OllamaDouble() as double, talking(double) as model:
        double.say(half)

        with pytest.raises(BadReply) as error:
            await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    assert error.value.raw == half


@pytest.mark.parametrize("sent_before", [0, 1])
async def test_a_call_that_the_server_cannot_parse_is_a_bad_reply(sent_before: int) -> None:
    """Nothing sent yet: HTTP 500. Something sent: an error line."""
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Let me see", fault=Fault.BROKEN_CALL, fault_after=sent_before))

        with pytest.raises(BadReply) as error:
            await model.chat(ChatRequest(HI.messages, tools=[RSS]))

    assert error.value.raw == '{"query": "unfinished'


async def test_thinking_is_no_part_of_the_answer() -> None:
    heard: list[str | None] = []
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("<think>Hm, 2 and 2.</think>\n\nFour.", thinking="aside", piece=3))

        reply = await model.chat(HI, heard.append)

    assert reply.message.content == "Four."
    assert "".join(filter(None, heard)) == "Four."


async def test_an_answer_cut_at_its_limit_says_so() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Once upon", done_reason="length"))

        reply = await model.chat(HI)

    assert reply.finish == "length"


async def test_a_stream_that_ends_without_its_done_line_is_no_answer() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Half of", fault=Fault.END, fault_after=1))

        with pytest.raises(ModelUnavailable, match="before it was done"):
            await model.chat(HI)


@pytest.mark.parametrize("sent_before", [0, 2])
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.GARBAGE, Fault.NOT_AN_OBJECT, Fault.END])
async def test_a_stream_that_breaks_is_worth_another_try(fault: Fault, sent_before: int) -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("A longer text, in lines.", fault=fault, fault_after=sent_before))
        double.say("Well again.")

        with pytest.raises(ModelUnavailable):
            await model.chat(HI)
        reply = await model.chat(HI)

    assert reply.message.content == "Well again."


async def test_an_error_line_is_told_in_the_servers_words() -> None:
    broken = Answer("A text", fault=Fault.ERROR_LINE, fault_after=1, error="llama runner died")
    async with OllamaDouble() as double, talking(double) as model:
        double.say(broken)

        with pytest.raises(ModelUnavailable, match="llama runner died"):
            await model.chat(HI)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (500, "model runner has unexpectedly stopped", ModelUnavailable),
        (
            503,
            "server busy, please try again.  maximum pending requests exceeded",
            ModelBusy,
        ),
        (429, "too many requests", ModelBusy),
        (499, "request canceled", ModelUnavailable),
        (400, "invalid options: num_ctx", ModelError),
        (401, "unauthorized", ModelError),
        (400, "the input length exceeds the context length", PromptTooLong),
    ],
)
async def test_each_status_means_one_kind_of_error(
    status: int, said: str, kind: type[ModelError]
) -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer(status=status, error=said))

        with pytest.raises(ModelError, match=said) as error:
            await model.chat(HI)

    assert type(error.value) is kind


async def test_a_full_queue_is_worth_another_try() -> None:
    async with OllamaDouble(rules=Rules(busy=True)) as double, talking(double) as model:
        with pytest.raises(ModelBusy, match="server busy"):
            await model.chat(HI)


async def test_a_model_that_is_not_there_comes_with_the_command_to_get_it() -> None:
    async with OllamaDouble() as double, talking(double, "mistral:7b") as model:
        with pytest.raises(ModelMissing) as error:
            await model.chat(HI)

    assert error.value.hint == "ollama pull mistral:7b"


async def test_a_server_of_another_kind_is_not_taken_for_a_missing_model() -> None:
    async with OllamaDouble() as double:
        host = OllamaHost(f"{double.url}/elsewhere")
        model = OllamaModel(Pool([host]), "qwen3:8b", clock=FakeClock())
        with pytest.raises(ModelUnavailable) as error:
            await model.chat(HI)
        await model.aclose()

    assert not isinstance(error.value, ModelMissing)
    assert error.value.hint is not None
    assert "is it an Ollama server" in error.value.hint


@pytest.mark.parametrize(
    ("request_", "settings", "hint"),
    [
        (ChatRequest(HI.messages, tools=[RSS]), {}, "cannot call tools"),
        (HI, {"think": True}, "think: false"),
    ],
)
async def test_what_a_model_cannot_do_is_said_with_a_remedy(
    request_: ChatRequest, settings: Mapping[str, Any], hint: str
) -> None:
    plain = Weights("gemma:2b", capabilities=("completion",))
    async with OllamaDouble([plain]) as double, talking(double, "gemma:2b", **settings) as model:
        with pytest.raises(ModelUnable, match="does not support") as error:
            await model.chat(request_)

    assert error.value.hint is not None
    assert hint in error.value.hint


async def test_a_server_that_is_away_is_said_in_chat_and_in_probe() -> None:
    async with OllamaDouble() as double:
        address = double.url
    model = OllamaModel(Pool([OllamaHost(address)]), "qwen3:8b", clock=FakeClock())

    with pytest.raises(ModelUnavailable, match=f"nothing answers at {address}"):
        await model.chat(HI)
    reason = await model.probe()
    await model.aclose()

    assert reason is not None
    assert "nothing answers" in reason
    assert "ollama serve" in reason


async def test_a_prompt_far_past_the_context_never_leaves_the_house() -> None:
    async with OllamaDouble() as double:
        async with talking(double, num_ctx=100) as model:
            with pytest.raises(PromptTooLong, match="100 tokens"):
                await model.chat(ChatRequest([Message(Role.USER, "word " * 500)]))

        assert double.calls == []


async def test_a_prompt_a_little_too_long_is_refused_by_the_server() -> None:
    async with OllamaDouble() as double, talking(double, num_ctx=100) as model:
        with pytest.raises(PromptTooLong):
            await model.chat(ChatRequest([Message(Role.USER, "x" * 440)]))


async def test_a_prompt_that_an_old_server_cut_in_silence_is_noticed() -> None:
    long = ChatRequest([Message(Role.USER, "the task: " + "x" * 470), Message(Role.USER, "and?")])
    async with OllamaDouble(rules=Rules(knows_truncate=False)) as double:
        async with talking(double, num_ctx=110) as model:
            with pytest.raises(PromptTooLong, match="the server read 1 of about"):
                await model.chat(long)

        assert [seen["content"] for seen in double.calls[-1].seen] == ["and?"]


async def test_a_prompt_that_an_old_server_cut_by_a_little_is_noticed_too() -> None:
    task = Message(Role.USER, "the task: " + "x" * 30)
    long = ChatRequest([task, Message(Role.USER, "y" * 380)])
    async with OllamaDouble(rules=Rules(knows_truncate=False)) as double:
        async with talking(double, num_ctx=100) as model:
            with pytest.raises(PromptTooLong, match="the server read 95 of about 125"):
                await model.chat(long)

        assert len(double.calls[-1].seen) == 1


async def test_a_cut_by_an_old_server_is_seen_sooner_once_its_count_is_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    usual = ChatRequest([Message(Role.USER, "y" * 1800)])  # 504 by our guess, 450 by its count
    long = ChatRequest([Message(Role.USER, "z" * 1800), Message(Role.USER, "y" * 2400)])
    old = OllamaDouble(rules=Rules(knows_truncate=False))
    async with old as double, talking(double, num_ctx=1000) as model:
        for _ in range(3):
            await model.chat(usual)
        with pytest.raises(PromptTooLong, match="the server read 600 of about 10"):
            await model.chat(long)

    assert "cut a prompt without a word" in caplog.text


async def test_a_prompt_that_fits_better_than_guessed_is_answered() -> None:
    request = ChatRequest([Message(Role.USER, "y" * 348)])  # 101 by our guess, 87 by the server's
    async with OllamaDouble() as double, talking(double, num_ctx=100) as model:
        reply = await model.chat(request)

    assert reply.usage.prompt == 87


async def test_silence_before_the_first_token_of_a_loaded_model_ends_in_its_own_time() -> None:
    times = Timeouts(load=3.0, first_token=0.05, idle=3.0, look=0.01)
    async with OllamaDouble() as double, talking(double, timeouts=times) as model:
        double.say(Answer(fault=Fault.HANG))

        began = monotonic()
        with pytest.raises(ModelUnavailable, match=r"0\.05 s for the first token"):
            await model.chat(HI)

    assert monotonic() - began < 1.5  # the time for loading is over too


async def test_a_load_may_take_longer_than_a_first_token() -> None:
    slow = Weights("qwen3:8b", load_seconds=0.3)
    times = Timeouts(load=30.0, first_token=0.1, idle=30.0, look=0.01)
    async with OllamaDouble([slow]) as double, talking(double, timeouts=times) as model:
        reply = await model.chat(HI)

    assert reply.message.content == "You said: hi"


async def test_a_load_that_does_not_end_is_told_as_a_load() -> None:
    stuck = Weights("qwen3:8b", load_seconds=3600)
    times = Timeouts(load=0.1, first_token=30.0, idle=30.0, look=0.01)
    async with OllamaDouble([stuck]) as double, talking(double, timeouts=times) as model:
        with pytest.raises(ModelUnavailable, match=r"0\.1 s, the time for loading"):
            await model.chat(HI)


async def test_silence_between_two_lines_is_told_as_such() -> None:
    times = Timeouts(load=3.0, first_token=3.0, idle=0.05)
    async with OllamaDouble() as double, talking(double, timeouts=times) as model:
        double.say(Answer("Some words, then none", fault=Fault.HANG, fault_after=2))

        began = monotonic()
        with pytest.raises(ModelUnavailable, match=r"0\.05 s between two lines"):
            await model.chat(HI)

    assert monotonic() - began < 1.5


async def test_a_quick_answer_costs_one_request_and_one_connection() -> None:
    async with OllamaDouble() as double:
        async with talking(double, timeouts=Timeouts()) as model:
            await model.chat(HI)
            before = len(double.calls)
            for _ in range(5):
                await model.chat(HI)

        assert [made.path for made in double.calls[before:]] == ["/api/chat"] * 5
        assert double.connections == 1


async def test_cancelling_hangs_up_and_frees_the_slot() -> None:
    async with OllamaDouble() as double, talking(double) as model:
        double.say(Answer("Never ending", fault=Fault.HANG, fault_after=1))
        heard = asyncio.Event()
        asking = asyncio.create_task(model.chat(HI, lambda _: heard.set()))
        await heard.wait()

        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        reply = await model.chat(HI)  # the one slot is free again

        assert asking.cancelled()
        assert [made.outcome for made in double.calls if made.path == "/api/chat"] == [
            "cancelled",
            "done",
        ]
        assert reply.message.content == "You said: hi"


async def test_an_error_of_the_listener_is_not_blamed_on_the_server() -> None:
    def broken_listener(_: str | None) -> None:
        raise ValueError("no screen")

    async with OllamaDouble() as double, talking(double) as model:
        with pytest.raises(ValueError, match="no screen"):
            await model.chat(HI, broken_listener)


async def test_models_of_one_host_share_its_connections_until_the_last_leaves() -> None:
    async with OllamaDouble(["a:1b", "b:1b"]) as double:
        pool = Pool([OllamaHost(double.url)])
        one = OllamaModel(pool, "a:1b", clock=FakeClock())
        other = OllamaModel(pool, "b:1b", clock=FakeClock())

        await one.chat(HI)
        await one.aclose()
        await one.aclose()
        await other.chat(HI)
        await other.aclose()

        assert double.connections == 1


async def test_probe_is_silent_when_all_is_well() -> None:
    async with OllamaDouble(["llama3.2"]) as double, talking(double, "llama3.2") as model:
        assert await model.probe() is None


async def test_probe_names_the_models_that_are_there() -> None:
    async with OllamaDouble(["a:1b", "b:1b"]) as double, talking(double, "c:1b") as model:
        reason = await model.probe()

    assert reason == f"{double.url} has no model c:1b; it has a:1b, b:1b (ollama pull c:1b)"


async def test_probe_does_not_wait_for_a_server_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harness.models.ollama_host.PROBE_SECONDS", 0.05)

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # the system connects, nobody reads
        host = OllamaHost(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        model = OllamaModel(Pool([host]), "a:1b", clock=FakeClock())
        reason = await model.probe()
        await model.aclose()

    assert reason is not None
    assert "does not answer within" in reason


def test_a_name_without_a_tag_means_latest() -> None:
    assert same_model("llama3.2", "llama3.2:latest")
    assert not same_model("llama3.2:1b", "llama3.2")
    assert same_model("hub.example:5000/me/model", "hub.example:5000/me/model:latest")


async def test_a_server_leads_nobody_to_another_one() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        location = f"http://127.0.0.1:{port}/elsewhere"
        writer.write(f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        host = OllamaHost(f"http://127.0.0.1:{port}")

        trouble = await host.probe("m")
        await host.aclose()

    assert trouble is not None
    assert not [line for line in asked if b"elsewhere" in line]


async def test_a_model_never_has_more_calls_under_way_than_its_host_has_slots() -> None:
    hang = Answer("A word", fault=Fault.HANG, fault_after=1)
    async with OllamaDouble(rules=Rules(parallel=2)) as double:
        pool = Pool([OllamaHost(double.url, slots=2)])
        models = [OllamaModel(pool, "qwen3:8b", clock=FakeClock()) for _ in range(3)]
        double.say(hang, hang, "Your turn.")
        heard: asyncio.Queue[str | None] = asyncio.Queue()
        first, second, third = (
            asyncio.create_task(model.chat(HI, heard.put_nowait)) for model in models
        )
        for _ in range(2):
            await heard.get()
        assert len(double.chats) == 2

        first.cancel()
        reply = await third

        assert reply.message.content == "Your turn."
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        for model in models:
            await model.aclose()


async def test_patience_begins_with_the_slot_and_not_in_the_line_before_it() -> None:
    """Agents at work at the same time must not take a healthy server for one that hangs."""
    times = Timeouts(load=0.3, first_token=0.3, idle=5.0, look=0.01)
    async with OllamaDouble() as double:
        pool = Pool([OllamaHost(double.url, slots=1)], timeouts=times)
        model = OllamaModel(pool, "qwen3:8b", clock=FakeClock())
        double.say(*[Answer("Two lines.", piece=5, piece_after=0.1) for _ in range(3)])

        replies = await asyncio.gather(*(model.chat(HI) for _ in range(3)))
        await model.aclose()

    assert [reply.message.content for reply in replies] == ["Two lines."] * 3


async def test_a_model_that_talks_to_another_call_of_ours_is_not_silent() -> None:
    """The server may have fewer slots than we were told: then a call waits there, unanswered."""
    times = Timeouts(load=30.0, first_token=0.3, idle=5.0, look=0.01)
    async with OllamaDouble(rules=Rules(parallel=1)) as double:
        pool = Pool([OllamaHost(double.url, slots=2)], timeouts=times)
        model = OllamaModel(pool, "qwen3:8b", clock=FakeClock())
        double.say(*[Answer("Several lines.", piece=4, piece_after=0.1) for _ in range(2)])

        replies = await asyncio.gather(*(model.chat(HI) for _ in range(2)))
        await model.aclose()

    assert len(replies) == 2
