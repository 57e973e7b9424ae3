"""A chain of models: who is asked, who rests, and what is said when none answers."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.clock import FakeClock, settle
from harness.models.chain import FallbackModel, Link
from harness.models.port import (
    ChatRequest,
    Message,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnable,
    ModelUnavailable,
    OnDelta,
    OverLimit,
    PromptTooLong,
    Reply,
    Role,
    Usage,
)
from harness.models.rest import LONGEST_REST, Rest
from harness.models.scripted import ScriptedModel

HI = ChatRequest([Message(Role.USER, "hi")])
AWAY = ModelUnavailable("it is away")
BUSY = ModelBusy("server busy")
SPENT = OverLimit("the day's tokens are spent", hint="wait until midnight")
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
    assert reply.because == f"a: {error}"


async def test_while_the_first_rests_the_reply_still_says_why() -> None:
    chain = FallbackModel([scripted("a", AWAY), scripted("b", "1", "2")], FakeClock())
    await chain.chat(HI)

    assert (await chain.chat(HI)).because == f"a: {AWAY}"


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

    await clock.advance(120)
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


class Halting:
    """A model that answers or fails when it is told, and speaks before if it is told to."""

    context_tokens = 1000

    def __init__(self, name: str = "a") -> None:
        self.name = name
        self.asked: list[asyncio.Future[str]] = []
        self.listeners: list[OnDelta | None] = []

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        self.asked.append(asyncio.get_running_loop().create_future())
        self.listeners.append(on_delta)
        text = await self.asked[-1]
        return Reply(Message(Role.ASSISTANT, text), Usage(), self.name)

    def says(self, text: str) -> None:
        """In the call that was made last."""
        if (listener := self.listeners[-1]) is not None:
            listener(text)

    async def probe(self) -> str | None:
        return None

    async def aclose(self) -> None: ...


async def resting(model: Halting, chain: FallbackModel) -> None:
    """Let the model fail once."""
    asking = asyncio.create_task(chain.chat(HI))
    await settle()
    model.asked.pop().set_exception(AWAY)
    await asyncio.gather(asking, return_exceptions=True)


async def test_after_a_rest_one_caller_tries_and_the_others_go_on_meanwhile() -> None:
    clock, first = FakeClock(), Halting()
    chain = FallbackModel([first, scripted("b", *["1"] * 9)], clock)
    await resting(first, chain)
    await clock.advance(60)

    trying = asyncio.create_task(chain.chat(HI))
    await settle()
    others = [(await chain.chat(HI)).model for _ in range(3)]
    first.asked[0].set_result("back")

    assert others == ["b", "b", "b"]
    assert [(await trying).message.content, len(first.asked)] == ["back", 1]


async def test_its_first_word_ends_a_rest_before_its_answer_is_whole() -> None:
    clock, first = FakeClock(), Halting()
    chain = FallbackModel([first, scripted("b", "1")], clock)
    await resting(first, chain)
    await clock.advance(60)

    asking = [asyncio.create_task(chain.chat(HI))]
    await settle()
    first.says("We")
    asking.append(asyncio.create_task(chain.chat(HI)))
    await settle()
    for asked in first.asked:
        asked.set_result("Well")

    assert [(await each).model for each in asking] == ["a", "a"]


async def test_a_failed_try_doubles_the_rest_up_to_ten_minutes() -> None:
    clock = FakeClock()
    first = scripted("a", *[AWAY] * 20)
    chain = FallbackModel([first, scripted("b", *["1"] * 9000)], clock)

    tries = []
    for second in range(3000):
        before = len(first.requests)
        await chain.chat(HI)
        tries += [second] * (len(first.requests) - before)
        await clock.advance(1)

    assert tries == [0, 60, 180, 420, 900, 1500, 2100, 2700]
    assert LONGEST_REST == 600


async def test_calls_that_break_together_are_one_failure() -> None:
    clock, first = FakeClock(), Halting()
    chain = FallbackModel([first, scripted("b", *["1"] * 9)], clock)
    asking = [asyncio.create_task(chain.chat(HI)) for _ in range(5)]
    await settle()

    for asked in first.asked:
        await clock.advance(1)
        asked.set_exception(AWAY)
        await settle()
    await asyncio.gather(*asking)
    await clock.advance(56)

    assert chain.name == "a"  # sixty seconds after the first of the five


async def test_who_has_no_other_model_waits_for_the_one_that_tries_it() -> None:
    clock, only = FakeClock(), Halting()
    chain = FallbackModel([only], clock)
    await resting(only, chain)

    asking = [asyncio.create_task(chain.chat(HI)) for _ in range(3)]
    await settle()
    (asked,) = only.asked
    asked.set_exception(AWAY)
    told = await asyncio.gather(*asking, return_exceptions=True)

    assert [str(each) for each in told] == ["no model answers: a: it is away"] * 3
    assert len(only.asked) == 1


async def test_when_the_one_that_tries_is_cancelled_another_tries() -> None:
    clock, only = FakeClock(), Halting()
    chain = FallbackModel([only], clock)
    await resting(only, chain)
    trying = asyncio.create_task(chain.chat(HI))
    await settle()
    waiting = asyncio.create_task(chain.chat(HI))
    await settle()

    trying.cancel()
    await settle()
    only.asked[-1].set_result("here")

    assert (await waiting).message.content == "here"
    assert len(only.asked) == 2


async def test_chains_that_share_a_link_know_of_its_rest() -> None:
    clock = FakeClock()
    shared = Link(first := scripted("a", AWAY), Rest(clock))
    chains = [FallbackModel([shared, scripted(name, "1")], clock) for name in "bc"]

    replies = [await chain.chat(HI) for chain in chains]

    assert [reply.model for reply in replies] == ["b", "c"]
    assert len(first.requests) == 1


async def test_a_server_that_says_when_it_has_room_is_asked_then() -> None:
    clock = FakeClock()
    first = scripted("a", ModelBusy("rate limit", after=20.0), "then")
    asking = asyncio.create_task(FallbackModel([first, scripted("b", "1")], clock).chat(HI))
    await settle()

    await clock.advance(19)
    assert len(first.requests) == 1
    await clock.advance(1)

    assert (await asking).message.content == "then"


async def test_a_server_that_is_busy_for_minutes_rests_as_long_as_it_says() -> None:
    clock = FakeClock()
    first = scripted("a", ModelBusy("rate limit", after=300.0), "then")
    chain = FallbackModel([first, scripted("b", "1", "2")], clock)

    models = [(await chain.chat(HI)).model]
    for seconds in (299, 1):
        await clock.advance(seconds)
        models.append((await chain.chat(HI)).model)

    assert models == ["b", "b", "a"]


async def test_what_was_said_before_a_failure_is_void_for_the_listener() -> None:
    heard: list[str | None] = []
    clock, first, second = FakeClock(), Halting(), Halting("b")
    asking = asyncio.create_task(FallbackModel([first, second], clock).chat(HI, heard.append))
    await settle()

    first.says("Once upon")
    first.asked[0].set_exception(AWAY)
    await settle()
    second.says("Well,")
    second.asked[0].set_result("Well, no.")
    await asking

    assert heard == ["Once upon", None, "Well,"]


async def test_nothing_is_void_where_nothing_was_said() -> None:
    heard: list[str | None] = []

    await FallbackModel([scripted("a", AWAY), scripted("b", "two")], FakeClock()).chat(
        HI, heard.append
    )

    assert None not in heard


async def test_over_a_limit_the_next_answers_or_nobody_as_the_profile_says() -> None:
    clock, second = FakeClock(), scripted("b", "cheaper")
    for wish, answers in (("fallback", True), ("refuse", False)):
        link = Link(scripted("a", SPENT), Rest(clock), wish)  # type: ignore[arg-type]
        chain = FallbackModel([link, second], clock)

        if answers:
            assert (await chain.chat(HI)).degraded
        else:
            with pytest.raises(OverLimit, match="tokens are spent"):
                await chain.chat(HI)

    assert len(second.requests) == 1


async def test_over_a_limit_with_nobody_else_is_told_as_such_and_needs_no_rest() -> None:
    clock = FakeClock()
    chain = FallbackModel([first := scripted("a", SPENT, SPENT), scripted("b", UNABLE)], clock)

    with pytest.raises(OverLimit, match="a: the day's tokens are spent; b: a does not") as error:
        await chain.chat(HI)

    assert error.value.hint == "wait until midnight"
    assert chain.name == "a"
    assert len(first.requests) == 1


class Moody:
    """A model with a script of failures; counts who asks it at the same time."""

    context_tokens = 1000

    def __init__(self, name: str, turns: Sequence[ModelError | None], clock: FakeClock) -> None:
        self.name = name
        self.rest = Rest(clock)
        self.inside = Counter[bool]()  # by whether it rested when they came
        self._turns = itertools.cycle(turns)

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        rested = not self.rest.is_open
        self.inside[rested] += 1
        assert self.inside[True] <= 1
        await asyncio.sleep(0)
        self.inside[rested] -= 1
        if turn := next(self._turns):
            raise turn
        return Reply(Message(Role.ASSISTANT, "yes"), Usage(), self.name)

    async def probe(self) -> str | None:
        return None

    async def aclose(self) -> None: ...


MOODS = st.sampled_from([None, AWAY, ModelMissing("pull it"), UNABLE, SPENT])
CREW = st.lists(st.lists(MOODS, min_size=1, max_size=4), min_size=1, max_size=4)
WAITS = st.lists(st.sampled_from([0, 30, 60, 600]), min_size=1, max_size=6)


@given(CREW, WAITS)
def test_any_failures_end_in_one_reply_or_in_one_error_with_every_reason(
    moods: list[list[ModelError | None]], waits: list[int]
) -> None:
    async def live() -> None:
        clock = FakeClock()
        models = [Moody(f"m{place}", turns, clock) for place, turns in enumerate(moods)]
        chain = FallbackModel([Link(model, model.rest) for model in models], clock)
        for seconds in waits:
            asking = [asyncio.create_task(chain.chat(HI)) for _ in range(4)]
            for ended in await asyncio.gather(*asking, return_exceptions=True):
                check(ended, len(models))
            await clock.advance(seconds)

    def check(ended: Reply | BaseException, models: int) -> None:
        if isinstance(ended, Reply):
            assert ended.degraded is (ended.model != "m0")
        elif not isinstance(ended, ModelUnable):
            assert isinstance(ended, ModelUnavailable | OverLimit)
            assert all(f"m{place}: " in str(ended) for place in range(models))

    asyncio.run(live())
