"""A chain of models: who is asked, who rests, and what is said when none answers."""

from __future__ import annotations

import pytest

from harness.clock import FakeClock
from harness.models.chain import FallbackModel
from harness.models.port import (
    ChatRequest,
    Message,
    ModelError,
    ModelMissing,
    ModelUnavailable,
    PromptTooLong,
    Role,
)
from harness.models.scripted import ScriptedModel

HI = ChatRequest([Message(Role.USER, "hi")])
AWAY = ModelUnavailable("it is away")


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
    chain = FallbackModel(
        [scripted("a", AWAY), scripted("b", ModelMissing("pull it"))], FakeClock()
    )

    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="a: it is away; b: pull it"):
            await chain.chat(HI)


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
