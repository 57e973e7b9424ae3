"""What models write: calls in text, lines of a stream, thoughts, and scripts that stand in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.clock import FakeClock
from harness.config.endpoint import parse_endpoint
from harness.errors import UsageError
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.ollama_wire import Answer, message_body
from harness.models.pool.pool import Pool
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    Reply,
    Role,
    ToolCall,
    ToolSpec,
)
from harness.models.scripted import ScriptedModel
from harness.models.thinking import Speech, without_thinking
from harness.models.toolcalls import Broken, Written, read_calls
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.samples import REPOSITORY
from tests.fuzz.strategies import (
    BOMBS,
    as_bytes,
    damaged,
    json_values,
    long_text,
    nested,
    odd_json,
    odd_text,
    yaml_texts,
)

PARAMETERS = {"type": "object", "properties": {"limit": {"type": "integer"}, "q": {}}}
TOOLS = (ToolSpec("rss", "Reads.", PARAMETERS), ToolSpec("learn", "Keeps.", {"type": "object"}))
HI = ChatRequest((Message(Role.USER, "Hi."),), TOOLS)

CALLS = (
    '<tool_call>\n{"name": "rss", "arguments": {"limit": 3}}\n</tool_call>',
    '<|tool_call|>[{"name": "rss", "arguments": {}}, {"name": "learn", "arguments": {}}]</s>',
    '[TOOL_CALLS]rss[ARGS]{"limit": 3}',
    '[TOOL_CALLS] [{"name": "rss", "arguments": {"q": "news"}}]',
    '<|python_tag|>{"name": "rss", "parameters": {"limit": 3}}<|eom_id|>',
    "<function=rss>\n<parameter=limit>\n3\n</parameter>\n<parameter=q>a</parameter>\n</function>",
    'Let me look.\n```json\n{"name": "rss", "arguments": {"limit": 3}}\n```',
    '{"function": {"name": "rss", "arguments": "{\\"limit\\": 3}"}, "id": "1", "type": "function"}',
    "<think>I should look.</think>Reading the feeds now.",
)
MARKS = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "<function=rss>", "<parameter=q>", "</parameter>"),
        *("</function>", "[TOOL_CALLS]", "[ARGS]", "rss", "```json\n", "\n```", "<|python_tag|>"),
        *('{"name":"rss","arguments":', "{}", "}", "[", "]", '"', "NaN", "1e999", " ", "\n"),
        *("<think>", "</think>", "\\ud800", "\ud800"),
    ]
)
replies = st.one_of(
    damaged(CALLS),
    st.lists(MARKS, max_size=30).map("".join),
    st.builds(lambda mark, text, end: mark + text + end, MARKS, long_text, MARKS),
    st.builds(
        lambda value: "<tool_call>" + json.dumps({"name": "rss", "arguments": value}), odd_json
    ),
    odd_text,
)


def sendable(call: ToolCall) -> None:
    """The call goes on to files and to HTTP, which refuse what is no JSON and no UTF-8."""
    body = message_body(Message(Role.ASSISTANT, "", (call,)))
    json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


@EFFORT
@given(text=replies)
@example("[TOOL_CALLS]rss" + " " * 100_000 + "[ARGS]x")
@example('{"name": "rss", "arguments": {"limit": NaN}}')
@example('{"name": "rss", "arguments": {"q": ' + "[" * 500 + "]" * 500 + "}}")
@example('<tool_call>{"name": "' + "r" * 5000 + '", "arguments": {}}')
@example("<tool_call>" * 20_000)
@example("<function=rss><parameter=q>" * 5_000)
def test_any_text_is_prose_or_calls_or_a_broken_call(text: str) -> None:
    with bounded():
        read = read_calls(text, TOOLS)

    match read:
        case Written():
            for name, arguments in read.calls:
                assert name in {"rss", "learn"}
                sendable(ToolCall("1", name, arguments))
        case Broken():
            assert len(read.reason) < 300
        case _:
            assert read is None


@EFFORT
@given(pieces=st.lists(st.one_of(MARKS, odd_text), max_size=30))
@example(["<think>", *["word "] * 20_000])
@example(["<think></think>"] * 5_000)
def test_any_stream_of_pieces_is_speech_without_its_thoughts(pieces: list[str]) -> None:
    heard: list[str] = []
    speech = Speech(heard.append)

    with bounded():
        for piece in pieces:
            speech.add(piece)
        text = speech.text

    assert "</think>" not in text
    assert text == without_thinking("".join(pieces))
    assert "".join(pieces).endswith("".join(heard))


functions = st.fixed_dictionaries(
    {}, optional={"name": st.one_of(st.just("rss"), odd_json), "arguments": odd_json}
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "content": st.one_of(replies, json_values()),
        "role": json_values(),
        "tool_calls": st.one_of(
            json_values(), st.lists(st.fixed_dictionaries({}, optional={"function": functions}))
        ),
    },
)
counts = st.one_of(st.integers(), st.floats(), json_values())
chunks = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "message": st.one_of(messages, json_values()),
            "done": st.one_of(st.booleans(), json_values()),
            "done_reason": json_values(),
            "error": json_values(),
            **dict.fromkeys(("prompt_eval_count", "eval_count", "load_duration"), counts),
            **dict.fromkeys(("total_duration", "eval_duration"), counts),
        },
    ),
    st.dictionaries(odd_text, json_values()),
)


@pytest.fixture(scope="module")
def model() -> OllamaModel:
    host = OllamaHost("http://{}:{}".format(*parse_endpoint("127.0.0.1:9")))
    return OllamaModel(Pool([host]), "m", clock=FakeClock())


@EFFORT
@given(lines=st.lists(chunks, max_size=5))
@example([{"message": {"content": "Hi."}, "done": True, "load_duration": "long"}])
@example([{"done": True, "total_duration": 10**400, "eval_count": True}])
def test_any_lines_of_a_server_make_a_reply_or_a_model_error(
    model: OllamaModel, lines: list[Mapping[str, Any]]
) -> None:
    with bounded():
        try:
            reply = answer_of(model, lines)
        except ModelError:
            return

    for call in reply.message.tool_calls:
        sendable(call)
    reply.message.content.encode()
    assert reply.usage.prompt >= 0 <= reply.usage.completion
    assert all(0 <= seconds < 10**12 for seconds in reply.timings.values())


def test_arguments_of_any_depth_are_a_broken_call(model: OllamaModel) -> None:
    call = {"function": {"name": "rss", "arguments": {"q": nested(900)}}}

    with pytest.raises(BadReply):
        answer_of(model, [{"message": {"tool_calls": [call]}}])


def answer_of(model: OllamaModel, lines: list[Mapping[str, Any]]) -> Reply:
    answer = Answer("http://127.0.0.1:9", "m", None)
    for line in lines:
        answer.add(line)
    if answer.last is None:
        answer.add({"done": True})
    return model._reply(HI, answer, 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


SCRIPT = """- text: Reading the feeds.
  calls:
    - {name: rss, arguments: {source: all}, id: one}
    - name: learn
      arguments: {}
- text: Nothing new today.
  finish: stop
- error: unavailable
  message: the server is away
- Plain text.
"""
scripts = st.one_of(damaged([SCRIPT]), yaml_texts, yaml_texts.map(lambda text: f"- {text}"))


@EFFORT
@given(content=as_bytes(scripts))
@example(BOMBS[0].encode())
@example(b"- 5\n")
@example(b"- calls: [x]\n")
@example(b"- calls: 5\n")
@example(b"- {error: [1]}\n")
@example(b"- calls: [{name: rss, arguments: {a: .nan}}]\n")
async def test_any_script_plays_or_is_refused(folder: Path, content: bytes) -> None:
    path = folder / "script.yaml"
    path.write_bytes(content)

    with bounded():
        try:
            scripted = ScriptedModel.load(path)
            for _ in range(4):
                reply = await scripted.chat(HI)
                for call in reply.message.tool_calls:
                    sendable(call)
        except (UsageError, ModelError):
            pass
    assert path.read_bytes() == content


def test_the_samples_are_sound() -> None:
    assert (REPOSITORY / "agents").is_dir()
    for text in CALLS[:-1]:
        assert isinstance(read_calls(text, TOOLS), Written), text
