"""The scripted model plays its turns and keeps what it was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelMissing,
    ModelUnavailable,
    PromptTooLong,
    Role,
    ToolCall,
)
from harness.models.scripted import ScriptedModel, Turn

HI = ChatRequest([Message(Role.USER, "hi")])
CALL = ToolCall("c1", "rss", {"limit": 1})


async def test_turns_are_played_in_order_and_requests_are_kept() -> None:
    model = ScriptedModel(["one", "two"])

    replies = [await model.chat(HI), await model.chat(HI)]

    assert [reply.message.content for reply in replies] == ["one", "two"]
    assert model.requests == [HI, HI]
    assert replies[0].usage.estimated
    assert replies[0].usage.prompt > 0


async def test_a_script_that_has_run_out_says_so() -> None:
    model = ScriptedModel(["one"])
    await model.chat(HI)

    with pytest.raises(ModelError, match="has only 1 turns; turn 2 was asked for"):
        await model.chat(HI)


@pytest.mark.parametrize(
    "turn",
    [
        CALL,
        [CALL],
        Message(Role.ASSISTANT, "", [CALL]),
        {"calls": [{"id": "c1", "name": "rss", "arguments": {"limit": 1}}]},
    ],
)
async def test_a_call_may_be_written_in_several_ways(turn: Turn) -> None:
    reply = await ScriptedModel([turn]).chat(HI)

    assert list(reply.message.tool_calls) == [CALL]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("unavailable", ModelUnavailable),
        ("missing", ModelMissing),
        ("too_long", PromptTooLong),
        ("bad_reply", BadReply),
        ("refused", ModelError),
    ],
)
async def test_a_turn_may_be_an_error(word: str, kind: type[ModelError]) -> None:
    with pytest.raises(ModelError, match="as told") as error:
        await ScriptedModel([{"error": word, "message": "as told"}]).chat(HI)

    assert type(error.value) is kind


async def test_an_error_with_another_name_is_a_fault_of_the_script() -> None:
    with pytest.raises(UsageError, match="knows no error 'sulk'"):
        await ScriptedModel([{"error": "sulk"}]).chat(HI)


async def test_a_function_may_answer_at_once_or_later() -> None:
    def at_once(request: ChatRequest) -> Turn:
        return f"you said {request.messages[-1].content}"

    async def later(request: ChatRequest) -> Turn:
        return f"you said {request.messages[-1].content}"

    for script in (at_once, later):
        reply = await ScriptedModel(script).chat(HI)

        assert reply.message.content == "you said hi"


async def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text("- calls: [{name: rss}]\n- text: Done.\n  finish: length\n")
    model = ScriptedModel.load(path)
    heard: list[str | None] = []

    called, ended = await model.chat(HI), await model.chat(HI, heard.append)

    assert called.message.tool_calls == [ToolCall("call-1-1", "rss", {})]
    assert (ended.message.content, ended.finish, ended.model) == (
        "Done.",
        "length",
        "scripted/demo",
    )
    assert heard == ["Done."]


async def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text("text: Done.\n")

    with pytest.raises(UsageError, match="a list of turns"):
        ScriptedModel.load(path)


async def test_probe_says_what_it_was_given() -> None:
    unusable: dict[str, Any] = {"unusable": "switched off"}

    assert await ScriptedModel([]).probe() is None
    assert await ScriptedModel([], **unusable).probe() == "switched off"


@pytest.mark.parametrize("turn", ["5", "calls: 5", "calls: [x]", "calls: [{arguments: {}}]"])
async def test_a_turn_that_is_none_is_told_with_its_number(tmp_path: Path, turn: str) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(f"- text: Hello.\n- {turn}\n")

    with pytest.raises(UsageError, match="turn 2"):
        ScriptedModel.load(path)


@pytest.mark.parametrize("content", [b"- [", b"- \xff", b"- &a [*a]"])
async def test_a_script_that_does_not_parse_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "demo.yaml"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="cannot be read"):
        ScriptedModel.load(path)
