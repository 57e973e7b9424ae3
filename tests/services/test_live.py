"""Live: those who listen hear everything in order, or how much they missed; nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bus.port import Outcome, Result
from harness.clock import settle
from harness.errors import Held
from harness.models.port import Message, Reply, Role, ToolCall, Usage
from harness.services.happening import Ended, Happening, Missed, Said, StepTaken, Void
from harness.services.listener import HAPPENINGS, PIECE, WORDS, Listener
from harness.services.live import LISTENERS, PAST, Live, Speaker
from harness.session import steps
from harness.session.steps import Reason, Replied, ToolFinished, ToolStarted, TurnStarted
from harness.text.secrets import MASK, Redactor
from harness.text.veil import Unsecret, Veil
from harness.tools.tool import ToolResult

REDACTOR = Redactor()
DONE = steps.Ended(Reason.COMPLETED, Outcome.DONE, Result(text="Two."))


def plainly() -> Veil:
    return Unsecret(REDACTOR)


def speaker_of(live: Live, veil: Callable[[], Veil] = plainly) -> Speaker:
    return live.speaker("task-1", 1, REDACTOR, veil)


def replied(text: str) -> Replied:
    return Replied(1, Reply(Message(Role.ASSISTANT, text), Usage(1, 1), "test/actor"))


async def taken(listener: Listener) -> list[Happening]:
    """What waits for the listener now."""
    found: list[Happening] = []

    async def read() -> None:
        async for happening in listener:
            found.append(happening)

    reading = asyncio.create_task(read())
    await settle()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return found


def words_of(happenings: list[Happening]) -> str:
    return "".join(each.text for each in happenings if isinstance(each, Said))


async def test_steps_and_words_come_in_their_order_and_the_end_comes_last() -> None:
    live = Live()
    async with live.listen("task-1") as listener:
        with speaker_of(live) as speaker:
            speaker.step(TurnStarted(1, 10))
            speaker.hear("I look ")
            speaker.hear("around.")
            speaker.step(replied("I look around."))
            speaker.step(TurnStarted(2, 20))
            speaker.end(DONE)

        heard = await taken(listener)

    assert [type(each) for each in heard] == [StepTaken, Said, StepTaken, StepTaken, Ended]
    assert words_of(heard) == "I look around."
    assert heard[-1] == Ended(1, "completed", "done")


async def test_an_attempt_that_breaks_ends_for_those_who_listen_too() -> None:
    live = Live()
    async with live.listen("task-1") as listener:
        with pytest.raises(ValueError, match="on purpose"), speaker_of(live):
            raise ValueError("on purpose")

        assert await taken(listener) == [Ended(1, "broke_off", "")]


async def test_who_comes_in_the_middle_hears_what_happened_so_far() -> None:
    live = Live()
    with speaker_of(live) as speaker:
        speaker.step(TurnStarted(1, 10))
        speaker.hear("The pass")
        speaker.hear("word: hun")
        async with live.listen("task-1") as listener:
            speaker.hear("ter22 is it.\nAll else ")
            speaker.hear("is fine.\nBye.\n")
            speaker.step(replied("..."))

            heard = await taken(listener)

    assert heard[0] == StepTaken(TurnStarted(1, 10))
    assert words_of(heard).startswith(f"The password: {MASK}")
    assert words_of(heard).endswith("Bye.\n")


async def test_of_many_steps_a_late_listener_hears_the_newest() -> None:
    live = Live()
    with speaker_of(live) as speaker:
        for turn in range(PAST + 5):
            speaker.step(TurnStarted(turn, 10))
        async with live.listen("task-1") as listener:
            heard = await taken(listener)

    assert heard[0] == Missed(steps=5)
    assert heard[-1] == StepTaken(TurnStarted(PAST + 4, 10))


async def test_a_void_answer_leaves_nothing_of_it_behind() -> None:
    live = Live()
    async with live.listen("task-1") as listener:
        with speaker_of(live) as speaker:
            speaker.step(TurnStarted(1, 10))
            speaker.hear("It is one")
            speaker.hear(None)
            speaker.hear(None)
            speaker.hear("It is two.\n")
            speaker.end(DONE)

        heard = await taken(listener)

    assert heard[1:] == [Void(), Said("It is two.\n"), Ended(1, "completed", "done")]


async def test_texts_of_steps_are_left_out_and_secrets_in_them_masked() -> None:
    live = Live()
    call = ToolCall("c1", "write", {"path": "a.md", "text": "x" * 5000, "api_key": "hunter22"})
    async with live.listen("task-1") as listener:
        with speaker_of(live) as speaker:
            speaker.step(ToolStarted(1, call))
            speaker.step(ToolFinished(1, ToolResult("c1", "write", "Written.")))
            failed = ToolResult("c1", "write", "no: password=hunter22", ok=False)
            speaker.step(ToolFinished(1, failed))

        started, fine, bad, _ = await taken(listener)

    assert "hunter22" not in repr((started, bad))
    assert isinstance(started, StepTaken)
    assert len(repr(started)) < 500
    assert isinstance(fine, StepTaken)
    assert isinstance(fine.step, ToolFinished)
    assert fine.step.result.text == ""
    assert "password" in repr(bad)


async def test_a_fault_in_telling_does_not_reach_who_speaks() -> None:
    class Torn(Unsecret):
        def add(self, piece: str) -> str:
            raise ValueError("torn")

    live = Live()
    async with live.listen("task-1") as listener:
        with speaker_of(live, lambda: Torn(REDACTOR)) as speaker:
            speaker.hear("Hello ")
            speaker.hear("you.")
            speaker.step(replied("Hello you."))
            speaker.end(DONE)

        heard = await taken(listener)

    assert [type(each) for each in heard] == [StepTaken, Ended]


async def test_there_is_an_end_to_the_listeners_and_nothing_of_those_who_left_stays() -> None:
    live = Live()
    async with live.listen("other"):
        held = [live.listen(f"task-{number}") for number in range(LISTENERS - 1)]
        for each in held:
            await each.__aenter__()
        with pytest.raises(Held, match="others listen"):
            await live.listen("task-1").__aenter__()
        for each in held:
            await each.__aexit__(None, None, None)

    async with live.listen("task-1"):
        pass
    with speaker_of(live):
        pass
    assert vars(live) == {"_audiences": {}, "_speakers": {}}


pieces = st.integers(1, 2 * PIECE).map(lambda size: "w" * size)
told = st.one_of(
    pieces.map(Said),
    pieces.map(Said),
    st.integers(1, 9).map(lambda turn: StepTaken(TurnStarted(turn, 0))),
    st.just(Void()),
    st.just(Ended(1, "completed", "done")),
)
much = st.lists(told | st.integers(1, 40), max_size=200)  # a number: the reader takes so many


@given(much)
async def test_a_reader_of_any_speed_gets_all_in_order_or_hears_what_is_missing(
    script: list[Happening | int],
) -> None:
    listener, heard, sent = Listener(), list[Happening](), list[Happening]()

    for move in script:
        if isinstance(move, int):
            heard += [await anext(listener) for _ in range(min(move, listener.waiting))]
        else:
            sent.append(move)
            listener.put(move)
            assert listener.waiting <= HAPPENINGS
            assert listener.words <= WORDS
    heard += [await anext(listener) for _ in range(listener.waiting)]

    assert kinds(heard) == kinds(sent)  # in these few, no step is ever missing
    if Void() not in sent:
        gone = sum(each.chars for each in heard if isinstance(each, Missed))
        assert len(words_of(heard)) + gone == len(words_of(sent))
    if not any(isinstance(each, Missed) for each in heard):
        assert answers(heard) == answers(sent)


def answers(happenings: list[Happening]) -> list[str]:
    """What a reader has before it after each answer: void words are wiped away."""
    found = [""]
    for each in happenings:
        match each:
            case Said(text):
                found[-1] += text
            case Void():
                found[-1] = ""
            case _:
                found.append("")
    return found


def kinds(happenings: list[Happening]) -> list[Happening]:
    return [each for each in happenings if isinstance(each, StepTaken | Ended)]


@given(st.integers(HAPPENINGS, 5 * HAPPENINGS), st.integers(0, HAPPENINGS))
async def test_of_more_steps_than_can_wait_the_newest_stay_and_the_end_does(
    count: int, after: int
) -> None:
    listener = Listener()

    for number in range(count):
        listener.put(StepTaken(TurnStarted(number, 0)))
    listener.put(Ended(1, "completed", "done"))
    for number in range(after):
        listener.put(StepTaken(TurnStarted(number, 0)))

    assert listener.waiting <= HAPPENINGS
    heard = [await anext(listener) for _ in range(listener.waiting)]
    taken_ = [each for each in heard if isinstance(each, StepTaken)]
    gone = sum(each.steps for each in heard if isinstance(each, Missed))
    assert len(taken_) + gone == count + after
    assert Ended(1, "completed", "done") in heard


async def test_a_listener_who_takes_nothing_holds_a_bounded_part_of_a_long_answer() -> None:
    live = Live()
    async with live.listen("task-1") as listener:
        with speaker_of(live) as speaker:
            for _ in range(50_000):
                speaker.hear("word ")
            speaker.end(DONE)

        heard = await taken(listener)

    assert len(words_of(heard)) <= WORDS
    assert isinstance(heard[0], Missed)
    assert heard[0].chars + len(words_of(heard)) == 250_000
    assert isinstance(heard[-1], Ended)
