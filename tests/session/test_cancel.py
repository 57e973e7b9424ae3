"""Taking a session away at any moment leaves one result per call and nothing running."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from harness.bus.port import Outcome
from harness.clock import FakeClock, settle
from harness.session.brief import Limits
from harness.session.loop import Session
from harness.session.steps import Compacted, Ended, Reason, Replied, Step, ToolFinished, ToolStarted
from harness.session.transcript import Header, Transcript, read_transcript, record
from tests.session.doubles import (
    GOOD,
    Actor,
    Hand,
    call,
    echo,
    hang,
    long_story,
    page,
    says,
    session_of,
    steps_of,
)

STEPS = 19  # of the whole story below
TICKS = 90  # of the event loop: more than the story takes


async def slow(text: str = "") -> str:
    await settle(10)  # longer than an end takes: what is left running is seen
    return f"slow {text}"


def story(cancel: asyncio.Event | None = None) -> tuple[Session, Actor, Hand]:
    """Three turns with calls side by side and alone, cut short by the limit, summed up."""
    hand = Hand(echo=echo, slow=slow, write=slow)
    model = Actor(
        says("", call("slow", text="a"), call("echo", text="b"), call("write", text="c")),
        says("", call("write", text="d"), call("slow", text="e")),
        says("All that I know.", call("echo", text="refused")),
    )
    return session_of(model, hand, limits=Limits(max_turns=2), cancel=cancel), model, hand


def check_whole(steps: Sequence[Step]) -> None:
    """Each call of each reply has one result; what started has ended; there is one end."""
    asked = [c.id for s in steps if isinstance(s, Replied) for c in s.reply.message.tool_calls]
    started = [s.call.id for s in steps if isinstance(s, ToolStarted)]
    finished = [s.result.call_id for s in steps if isinstance(s, ToolFinished)]
    assert finished == asked
    assert set(started) <= set(finished)
    assert max(Counter(finished).values(), default=1) == 1
    assert [isinstance(s, Ended) for s in steps] == [False] * (len(steps) - 1) + [True]


def check_quiet(model: Actor, hand: Hand) -> None:
    """No connection is open, no tool runs, no task is left."""
    assert model.open_connections == 0
    starts = Counter(name[1:] for name in hand.seen if name.startswith("+"))
    assert starts == Counter(name[1:] for name in hand.seen if name.startswith("-"))
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_story_is_no_longer_than_these_tests_think() -> None:
    session, model, hand = story()
    task = asyncio.create_task(steps_of(session))

    await settle(TICKS - 1)
    steps = task.result()

    assert len(steps) == STEPS
    check_whole(steps)
    check_quiet(model, hand)


@pytest.mark.parametrize("after", range(STEPS))
async def test_cancel_in_good_order_after_any_step(after: int) -> None:
    cancel = asyncio.Event()
    session, model, hand = story(cancel)
    steps: list[Step] = []

    async with aclosing(session.steps()) as stream:
        async for step in stream:
            steps.append(step)
            if len(steps) == after + 1:
                cancel.set()

    check_whole(steps)
    check_quiet(model, hand)
    if after < STEPS - 1:
        assert isinstance(steps[-1], Ended)
        assert (steps[-1].reason, steps[-1].outcome) == (Reason.CANCELLED, Outcome.CANCELLED)


@pytest.mark.parametrize("tick", range(TICKS))
async def test_cancel_the_task_at_any_tick_of_the_event_loop(tick: int, tmp_path: Path) -> None:
    session, model, hand = story()
    header = Header("task-1", "scout", 1, "test/actor")
    with Transcript(tmp_path, header, FakeClock()) as transcript:
        task = asyncio.create_task(record(session, transcript))

        await settle(tick)
        task.cancel()
        await asyncio.wait([task])

    steps = read_transcript(transcript.path).steps
    if tick > 0:  # before its first tick a task has not begun, and owes nothing
        check_whole(steps)
    check_quiet(model, hand)


async def test_cancel_the_task_while_room_is_made(tmp_path: Path) -> None:
    compacted = 0
    for tick in range(1, 200):
        model, hand = long_story(30, [GOOD]), Hand(page=page)
        session = session_of(model, hand, limits=Limits(max_turns=40))
        with Transcript(tmp_path, Header("task-1", "scout", tick, "x"), FakeClock()) as transcript:
            task = asyncio.create_task(record(session, transcript))

            await settle(tick)
            task.cancel()
            await asyncio.wait([task])

        steps = read_transcript(transcript.path).steps
        compacted += any(isinstance(step, Compacted) for step in steps)
        check_whole(steps)
        check_quiet(model, hand)
    assert compacted > 50


async def test_an_error_of_the_listener_leaves_a_whole_transcript(tmp_path: Path) -> None:
    async def lose_the_lease(step: Step) -> None:
        if isinstance(step, ToolStarted):
            raise RuntimeError("lease lost")

    session, model, hand = story()
    header = Header("task-1", "scout", 1, "test/actor")

    transcript = Transcript(tmp_path, header, FakeClock())
    with transcript, pytest.raises(RuntimeError, match="lease lost"):
        await record(session, transcript, lose_the_lease)

    check_whole(read_transcript(transcript.path).steps)
    check_quiet(model, hand)


async def test_what_finished_before_a_hard_cancel_keeps_its_real_result() -> None:
    model, hand = (
        Actor(says("", call("echo", text="done"), call("hang"))),
        Hand(echo=echo, hang=hang),
    )
    session = session_of(model, hand)
    task = asyncio.create_task(steps_of(session))

    await settle()
    task.cancel()
    await asyncio.wait([task])

    owed = [step.result for step in session.owed() if isinstance(step, ToolFinished)]
    assert [(result.ok, result.text[:9]) for result in owed] == [
        (True, "echo done"),
        (False, "cancelled"),
    ]
    check_quiet(model, hand)


async def test_a_tool_is_stopped_when_the_session_is_cancelled() -> None:
    cancel = asyncio.Event()
    hand = Hand(hang=hang)
    session = session_of(Actor(says("", call("hang"))), hand, cancel=cancel)
    task = asyncio.create_task(steps_of(session))

    await settle()
    cancel.set()
    steps = await task

    check_whole(steps)
    assert hand.seen == ["+hang", "-hang"]


async def test_a_session_cancelled_before_it_began_asks_nothing() -> None:
    cancel = asyncio.Event()
    cancel.set()
    model = Actor(says("never"))

    (only,) = await steps_of(session_of(model, cancel=cancel))

    assert isinstance(only, Ended)
    assert only.outcome is Outcome.CANCELLED
    assert model.requests == []
