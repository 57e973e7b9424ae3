"""A chain of models: who is asked, who rests, and what is said when none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from harness.clock import FakeClock, settle
from harness.models.chain import FallbackModel
from harness.models.port import (
    ChatRequest,
    Message,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnable,
    ModelUnavailable,
    PromptTooLong,
    Role,
)
from harness.models.scripted import ScriptedModel

HI = ChatRequest([Message(Role.USER, "hi")])
AWAY = ModelUnavailable("it is away")
BUSY = ModelBusy("server busy")
UNABLE = ModelUnable("a does not support tools", hint="choose another model")


def scripted(name: str, *turns: str | ModelError, context_tokens: int = 1000) -> ScriptedModel:
    return ScriptedModel(list(turns), name=name, context_tokens=context_tokens)


async def test_the_first_model_answers_undegraded() -> None:
    first, second = scripted("a", "one"), scripted("b")
    chain = FallbackModel([first, second], FakeClock())

    reply = await chain.chat(HI)

    assert (reply.model, reply.degraded) == ("a", False)
    assert second.requests == []


@pytest.mark.parametrize("error", [AWAY, ModelMissing("it is not pulled")])
async def test_the_next_one_answers_degraded_when_the_first_is_away(error: ModelError) -> None:
    chain = FallbackModel([scripted("a", error), scripted("b", "two")], FakeClock())

    reply = await chain.chat(HI)

    assert (reply.model, reply.degraded) == ("b", True)


async def test_a_model_that_is_away_rests_and_is_tried_again_once_after() -> None:
    clock = FakeClock()
    first = scripted("a", AWAY, AWAY, "back", context_tokens=8000)
    chain = FallbackModel([first, scripted("b", "1", "2", "3")], clock)

    answers = []
    for _ in range(2):
        answers.append((await chain.chat(HI)).message.content)
    assert len(first.requests) == 1
    assert chain.context_tokens == 1000  # those of the one in use
    assert chain.name == "b"

    await clock.advance(60)
    answers.append((await chain.chat(HI)).message.content)
    assert len(first.requests) == 2

    await clock.advance(60)
    answers.append((await chain.chat(HI)).message.content)

    assert answers == ["1", "2", "3", "back"]
    assert (chain.name, chain.context_tokens) == ("a", 8000)


async def test_an_error_of_the_request_itself_is_not_tried_on_the_next() -> None:
    second = scripted("b", "never")
    chain = FallbackModel([scripted("a", PromptTooLong("too long")), second], FakeClock())

    with pytest.raises(PromptTooLong):
        await chain.chat(HI)

    assert second.requests == []


async def test_when_none_answers_every_reason_is_named_also_of_those_at_rest() -> None:
    gone = ModelMissing("pull it")
    first, second = scripted("a", AWAY, AWAY), scripted("b", gone, gone)
    chain = FallbackModel([first, second], FakeClock())

    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="a: it is away; b: pull it"):
            await chain.chat(HI)


async def test_a_model_at_rest_is_asked_all_the_same_when_there_is_no_other() -> None:
    """A task tries again after 30 s; that attempt must not be lost to a rest of 60 s."""
    chain = FallbackModel([scripted("a", AWAY, "back")], FakeClock())
    with pytest.raises(ModelUnavailable):
        await chain.chat(HI)

    reply = await chain.chat(HI)

    assert (reply.message.content, reply.degraded) == ("back", False)


async def test_a_model_at_rest_is_asked_after_those_awake_have_failed() -> None:
    first, second = scripted("a", AWAY, "back"), scripted("b", "1", AWAY)
    chain = FallbackModel([first, second], FakeClock())
    await chain.chat(HI)

    reply = await chain.chat(HI)

    assert (reply.message.content, len(second.requests)) == ("back", 2)


async def test_a_model_that_answers_one_call_does_not_rest_for_the_failure_of_another() -> None:
    answered = asyncio.Event()
    turns: Iterator[str | ModelError] = iter(["slow", AWAY, "again"])

    async def play(request: ChatRequest) -> str | ModelError:
        turn = next(turns)
        if turn == "slow":
            await answered.wait()
        return turn

    chain = FallbackModel([ScriptedModel(play, name="a"), scripted("b", "2", "3")], FakeClock())
    slow = asyncio.create_task(chain.chat(HI))
    await settle()
    assert (await chain.chat(HI)).model == "b"

    answered.set()
    await slow

    assert (await chain.chat(HI)).message.content == "again"


async def test_a_busy_server_is_asked_again_before_another_model_is() -> None:
    clock = FakeClock()
    first, second = scripted("a", BUSY, BUSY, BUSY, "at last"), scripted("b")
    chain = FallbackModel([first, second], clock)
    asking = asyncio.create_task(chain.chat(HI))

    asked = []
    for seconds in (0.0, 0.75, 0.25, 2.75, 0.25, 5.75, 0.25):
        await clock.advance(seconds)
        asked.append(len(first.requests))
    reply = await asking

    assert asked == [1, 1, 2, 2, 3, 3, 4]
    assert (reply.message.content, reply.degraded) == ("at last", False)
    assert second.requests == []


async def test_a_server_that_stays_busy_rests_like_one_that_is_away() -> None:
    clock = FakeClock()
    first = scripted("a", BUSY, BUSY, BUSY, BUSY)
    chain = FallbackModel([first, scripted("b", "1", "2")], clock)
    asking = asyncio.create_task(chain.chat(HI))
    await settle()
    await clock.advance(10)

    replies = [await asking, await chain.chat(HI)]

    assert [reply.model for reply in replies] == ["b", "b"]
    assert len(first.requests) == 4


async def test_what_one_model_cannot_do_another_may_and_the_first_needs_no_rest() -> None:
    first = scripted("a", UNABLE, "without tools")
    chain = FallbackModel([first, scripted("b", "with tools")], FakeClock())

    replies = [await chain.chat(HI), await chain.chat(HI)]

    assert [(reply.model, reply.degraded) for reply in replies] == [("b", True), ("a", False)]


async def test_what_no_model_can_do_is_not_worth_another_try() -> None:
    with pytest.raises(ModelUnable, match="does not support tools") as error:
        await FallbackModel([scripted("a", UNABLE)], FakeClock()).chat(HI)
    with pytest.raises(ModelUnavailable, match="a: a does not support tools; b: it is away"):
        await FallbackModel([scripted("a", UNABLE), scripted("b", AWAY)], FakeClock()).chat(HI)

    assert error.value.hint == "choose another model"


async def test_probe_looks_for_one_that_can_be_used() -> None:
    gone = ScriptedModel([], name="a", unusable="away")
    good = ScriptedModel([], name="b", context_tokens=500)
    chain = FallbackModel([gone, good], FakeClock())

    assert await chain.probe() is None
    assert chain.context_tokens == 500
    assert await FallbackModel([gone], FakeClock()).probe() == "a: away"


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FallbackModel([], FakeClock())
