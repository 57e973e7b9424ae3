"""Questions that mean nearly the same: only where it is asked for, and within narrow bounds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.clock import FakeClock
from harness.config.settings import CacheSettings, ModelProfile, SemanticCache
from harness.models.cache import likeness
from harness.models.cache.cache import Cache
from harness.models.cache.question import Respondent
from harness.models.embed import Vector
from harness.models.port import (
    Asker,
    ChatRequest,
    Message,
    ModelUnavailable,
    Reply,
    Role,
    Usage,
)
from harness.text.fence import fenced

WHO = Respondent.of(ModelProfile(provider="ollama", model="small", temperature=0))
ANGLES = {"is it urgent": 0, "is this urgent": 10, "what is for lunch": 80}  # degrees


class Angles:
    """An embedder of a flat world; it answers, is away, or is silent."""

    name = "ollama/angles"
    is_idle = True

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.silent = False
        self.asked = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        if self.silent:
            await asyncio.Event().wait()
        turns = [math.radians(ANGLES[text]) for text in texts]
        return [(math.cos(turn), math.sin(turn)) for turn in turns]

    async def aclose(self) -> None:
        pass


class House:
    """A cache that compares, and a model that counts."""

    def __init__(self, threshold: float = 0.95) -> None:
        self.clock = FakeClock()
        self.embedder = Angles()
        semantic = SemanticCache(threshold=threshold, within=timedelta(minutes=10))
        settings = CacheSettings(exact=timedelta(0), semantic=semantic)
        self.cache = Cache(settings, self.clock, lambda: self.embedder)
        self.asked = 0

    async def ask(self) -> Reply:
        self.asked += 1
        return Reply(Message(Role.ASSISTANT, f"answer {self.asked}"), Usage(9, 3), "ollama/small")

    async def answer(self, request: ChatRequest) -> Reply:
        return await self.cache.answer(WHO, request, self.ask)


def question(text: str, agent: str = "scout", system: str = "Yes or no.") -> ChatRequest:
    messages = [Message(Role.SYSTEM, system), Message(Role.USER, text)]
    return ChatRequest(messages, asker=Asker(agent))


async def test_a_question_that_is_near_enough_gets_the_same_answer() -> None:
    house = House()

    await house.answer(question("is it urgent"))
    near = await house.answer(question("is this urgent"))
    far = await house.answer(question("what is for lunch"))

    assert (near.message.content, near.cached, near.saved) == ("answer 1", True, Usage(9, 3))
    assert (far.message.content, far.cached) == ("answer 2", False)


async def test_a_question_below_the_threshold_is_asked() -> None:
    house = House(threshold=0.99)

    await house.answer(question("is it urgent"))
    near = await house.answer(question("is this urgent"))

    assert not near.cached


@pytest.mark.parametrize(
    "other",
    [
        question("is it urgent", agent="zoe"),
        question("is it urgent", system="Yes or no, please."),
        replace(question("is it urgent"), max_tokens=3),
        replace(question("is it urgent"), messages=[Message(Role.USER, "is it urgent")]),
    ],
)
async def test_nothing_but_the_last_message_may_differ_and_never_the_agent(
    other: ChatRequest,
) -> None:
    house = House()

    await house.answer(question("is it urgent"))
    reply = await house.answer(other)

    assert not reply.cached


async def test_the_houses_own_questions_are_not_compared() -> None:
    """They differ in a few words of a long text, and these decide: whose request is this?"""
    house = House()
    routed = [
        replace(question(text), asker=Asker(purpose="route"))
        for text in ("is it urgent", "is this urgent")
    ]

    replies = [await house.answer(each) for each in routed]

    assert not any(each.cached for each in replies)
    assert house.embedder.asked == 0


async def test_no_question_with_a_strangers_words_is_compared_or_kept() -> None:
    house = House()
    quoting = question(fenced("a mail", "is it urgent"))

    for _ in range(2):
        await house.answer(quoting)

    assert house.asked == 2
    assert house.embedder.asked == 0


async def test_a_near_answer_grows_old() -> None:
    house = House()
    await house.answer(question("is it urgent"))

    await house.clock.advance(600)

    assert not (await house.answer(question("is this urgent"))).cached


async def test_only_a_persons_words_are_compared() -> None:
    house = House()
    asked = question("is it urgent")
    told = replace(
        asked, messages=[*asked.messages, Message(Role.TOOL, "is this urgent", call_id="1")]
    )

    for _ in range(2):
        await house.answer(told)

    assert house.asked == 2


async def test_an_embedder_that_is_away_keeps_nobody_from_an_answer() -> None:
    house = House()
    house.embedder.trouble = ModelUnavailable("it is away")

    reply = await house.answer(question("is it urgent"))

    assert reply.message.content == "answer 1"


async def test_an_embedder_that_was_away_is_left_alone_for_a_minute() -> None:
    house = House()
    house.embedder.trouble = ModelUnavailable("it is away")
    for _ in range(3):
        await house.answer(question("is it urgent"))
    asked = house.embedder.asked

    house.embedder.trouble = None
    await house.clock.advance(60)
    await house.answer(question("is it urgent"))
    near = await house.answer(question("is this urgent"))

    assert asked == 1
    assert near.cached


async def test_an_embedder_that_is_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(likeness, "PATIENCE_SECONDS", 0.01)
    house = House()
    house.embedder.silent = True

    reply = await house.answer(question("is it urgent"))

    assert reply.message.content == "answer 1"
