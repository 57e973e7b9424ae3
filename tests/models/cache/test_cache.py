"""An answer that is given again: to whom, for how long, and when never."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.clock import FakeClock, settle
from harness.config.priority import Priority
from harness.config.settings import CacheSettings, ModelProfile
from harness.models.cache.cache import Cache
from harness.models.cache.question import Respondent
from harness.models.port import (
    Asker,
    ChatRequest,
    Message,
    ModelUnavailable,
    Reply,
    Role,
    ToolCall,
    ToolSpec,
    Usage,
)

COLD = Respondent.of(ModelProfile(provider="ollama", model="small", temperature=0))
WARM = Respondent.of(ModelProfile(provider="ollama", model="small"))
TOOL = ToolSpec("read", "Read a file.", {"type": "object"})


def question(text: str = "Is this urgent?", priority: Priority = Priority.P1) -> ChatRequest:
    messages = [Message(Role.SYSTEM, "Answer yes or no."), Message(Role.USER, text)]
    return ChatRequest(messages, asker=Asker("scout", priority=priority))


def said(text: str = "no", finish: str = "stop") -> Reply:
    message = Message(Role.ASSISTANT, text)
    return Reply(message, Usage(20, 5), "ollama/small", finish=finish, timings={"eval": 0.2})


class Model:
    """Answers when told to; counts how often it was asked."""

    def __init__(self, answers: Sequence[Reply | Exception] = ()) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self) -> Reply:
        self.asked += 1
        await self.may_answer.wait()
        answer = self.answers.pop(0) if self.answers else said(f"answer {self.asked}")
        if isinstance(answer, Exception):
            raise answer
        return answer


def cache(clock: FakeClock | None = None, exact: timedelta = timedelta(hours=1)) -> Cache:
    return Cache(CacheSettings(exact=exact), clock or FakeClock())


async def test_the_same_question_is_answered_once_and_says_so() -> None:
    kept, model = cache(), Model([said("no")])

    first = await kept.answer(COLD, question(), model.ask)
    second = await kept.answer(COLD, question(), model.ask)

    assert (first.cached, first.usage) == (False, Usage(20, 5))
    assert second == replace(first, cached=True, usage=Usage(), saved=Usage(20, 5), timings={})
    assert model.asked == 1


async def test_who_asks_does_not_matter_for_the_very_same_words() -> None:
    kept, model = cache(), Model()
    other = replace(question(), asker=Asker("zoe", task="7"))

    await kept.answer(COLD, question(), model.ask)
    reply = await kept.answer(COLD, other, model.ask)

    assert reply.cached


@pytest.mark.parametrize(
    ("who", "request_"),
    [
        (COLD, question("Is this urgent? ")),
        (COLD, replace(question(), format={"enum": ["yes", "no"]})),
        (COLD, replace(question(), max_tokens=5)),
        (COLD, replace(question(), messages=question().messages[1:])),
        (COLD, replace(question(), messages=[*question().messages, Message(Role.USER, "?")])),
        (replace(COLD, identity=COLD.identity.replace("small", "large")), question()),
    ],
)
async def test_anything_that_decides_the_answer_makes_another_question(
    who: Respondent, request_: ChatRequest
) -> None:
    kept, model = cache(), Model()
    await kept.answer(COLD, question(), model.ask)

    reply = await kept.answer(who, request_, model.ask)

    assert (reply.cached, model.asked) == (False, 2)


@pytest.mark.parametrize(
    ("profile", "same"),
    [
        ({"num_ctx": 4096}, False),
        ({"host": "local"}, False),
        ({"temperature": 0.5}, False),
        ({"keep_alive": "5m"}, True),
        ({"fallback": ["offline"]}, True),
    ],
)
def test_a_profile_is_known_by_what_it_makes_of_the_answer(
    profile: dict[str, object], same: bool
) -> None:
    plain = {"provider": "ollama", "model": "small", "temperature": 0}

    other = Respondent.of(ModelProfile.model_validate({**plain, **profile}))

    assert (other.identity == COLD.identity) is same


@pytest.mark.parametrize(
    ("who", "request_"),
    [
        (WARM, question()),
        (COLD, replace(question(), temperature=0.7)),
        (COLD, replace(question(), tools=[TOOL])),
        (Respondent.of(ModelProfile(provider="extractive", temperature=0)), question()),
        (Respondent.of(ModelProfile(provider="scripted", temperature=0)), question()),
    ],
)
async def test_what_may_be_answered_otherwise_is_asked_again(
    who: Respondent, request_: ChatRequest
) -> None:
    kept, model = cache(), Model()

    for _ in range(2):
        await kept.answer(who, request_, model.ask)

    assert model.asked == 2


async def test_a_request_at_temperature_0_is_kept_whatever_its_profile_says() -> None:
    kept, model = cache(), Model()

    for _ in range(2):
        await kept.answer(WARM, replace(question(), temperature=0), model.ask)

    assert model.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        said("half of", finish="length"),
        said(" "),
        replace(said("from a fallback"), degraded=True),
        replace(said(), message=Message(Role.ASSISTANT, "", [ToolCall("1", "read", {})])),
    ],
)
async def test_no_answer_that_is_not_whole_is_given_again(answer: Reply) -> None:
    kept, model = cache(), Model([answer, said()])

    await kept.answer(COLD, question(), model.ask)
    await kept.answer(COLD, question(), model.ask)

    assert model.asked == 2


async def test_an_answer_grows_old() -> None:
    clock = FakeClock()
    kept, model = cache(clock), Model()
    await kept.answer(COLD, question(), model.ask)

    await clock.advance(3599)
    in_time = await kept.answer(COLD, question(), model.ask)
    await clock.advance(1)
    too_late = await kept.answer(COLD, question(), model.ask)

    assert (in_time.cached, too_late.cached) == (True, False)


async def test_without_a_time_nothing_is_kept() -> None:
    kept, model = cache(exact=timedelta(0)), Model()

    for _ in range(2):
        await kept.answer(COLD, question(), model.ask)

    assert model.asked == 2


async def test_many_who_ask_the_same_at_once_share_one_call() -> None:
    kept, model = cache(), Model()
    model.may_answer.clear()
    asking = [asyncio.create_task(kept.answer(COLD, question(), model.ask)) for _ in range(5)]
    await settle()

    model.may_answer.set()
    replies = await asyncio.gather(*asking)

    assert model.asked == 1
    assert [reply.cached for reply in replies] == [False, True, True, True, True]


async def test_when_who_asks_for_all_is_cancelled_one_other_asks() -> None:
    kept, model = cache(), Model()
    model.may_answer.clear()
    first, *others = [
        asyncio.create_task(kept.answer(COLD, question(), model.ask)) for _ in range(4)
    ]
    await settle()

    first.cancel()
    await settle()
    model.may_answer.set()
    replies = await asyncio.gather(*others)

    assert model.asked == 2
    assert sorted(reply.cached for reply in replies) == [False, True, True]


async def test_who_waits_for_another_may_be_cancelled_alone() -> None:
    kept, model = cache(), Model()
    model.may_answer.clear()
    first, second = [
        asyncio.create_task(kept.answer(COLD, question(), model.ask)) for _ in range(2)
    ]
    await settle()

    second.cancel()
    await settle()
    model.may_answer.set()

    assert (await first).message.content == "answer 1"
    assert second.cancelled()
    assert kept._flights == {}


async def test_when_the_call_of_all_fails_they_ask_at_once_and_not_one_after_the_other() -> None:
    kept, model = cache(), Model([ModelUnavailable("it is away")])
    model.may_answer.clear()
    asking = [asyncio.create_task(kept.answer(COLD, question(), model.ask)) for _ in range(4)]
    await settle()

    model.may_answer.set()
    await settle(1)
    model.may_answer.clear()
    await settle()
    asked_meanwhile = model.asked
    model.may_answer.set()
    replies = await asyncio.gather(*asking, return_exceptions=True)

    assert asked_meanwhile == 4
    assert sum(isinstance(reply, ModelUnavailable) for reply in replies) == 1


async def test_who_is_more_urgent_does_not_wait_behind_who_is_less() -> None:
    kept, model = cache(), Model()
    model.may_answer.clear()
    late = asyncio.create_task(kept.answer(COLD, question(priority=Priority.P2), model.ask))
    await settle()

    now = asyncio.create_task(kept.answer(COLD, question(priority=Priority.P0), model.ask))
    await settle()
    model.may_answer.set()
    await asyncio.gather(late, now)

    assert model.asked == 2
