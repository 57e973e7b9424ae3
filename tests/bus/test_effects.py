"""Calls that must not be made twice, and the tasks that were interrupted within one."""

from __future__ import annotations

import pytest

from harness.bus.port import EffectState, Outcome, Request, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from tests.bus.steps import ANSWER, taken


@pytest.fixture
async def task(bus: SqliteBus) -> Task:
    await bus.request(Request("scout", "Look."))
    return await taken(bus)


async def test_a_call_may_be_made_once_and_its_answer_is_kept(bus: SqliteBus, task: Task) -> None:
    _, may = await bus.begin_effect(task, "call", "append")
    await bus.finish_effect(task, "call", "appended")
    effect, may_again = await bus.begin_effect(task, "call", "append")

    assert (may, may_again) == (True, False)
    assert (effect.state, effect.text, effect.attempt) == (EffectState.DONE, "appended", 1)


async def test_a_call_that_did_nothing_may_be_made_again(bus: SqliteBus, task: Task) -> None:
    await bus.begin_effect(task, "call", "append")
    await bus.drop_effect(task, "call")

    assert (await bus.begin_effect(task, "call", "append"))[1]


async def test_a_crash_within_a_call_leaves_the_outcome_unknown_and_is_not_repeated(
    bus: SqliteBus, task: Task
) -> None:
    await bus.begin_effect(task, "call", "append")

    (ended,) = await bus.reclaim("the next daemon")

    assert (ended.state, ended.outcome) == (State.DEAD, Outcome.UNKNOWN)
    assert ended.error == "unknown whether `append` of attempt 1 was done: s1 is gone"
    assert bus.reader.events(task.id)[-1].outcome is Outcome.UNKNOWN


async def test_so_does_a_stop_that_did_not_wait_for_the_call(bus: SqliteBus, task: Task) -> None:
    await bus.begin_effect(task, "call", "append")

    ended = await bus.release(task, "the daemon stopped")

    assert (ended.state, ended.outcome) == (State.DEAD, Outcome.UNKNOWN)


async def test_a_crash_after_the_call_is_tried_again_and_the_call_is_not(
    bus: SqliteBus, task: Task
) -> None:
    await bus.begin_effect(task, "call", "append")
    await bus.finish_effect(task, "call", "appended")

    (back,) = await bus.reclaim("the next daemon")

    assert back.state is State.REQUEST
    again = await taken(bus, owner="s2")
    effect, may = await bus.begin_effect(again, "call", "append")
    assert (effect.text, may) == ("appended", False)


async def test_a_person_who_sends_it_again_lets_the_call_be_made_again(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    await bus.begin_effect(task, "call", "append")
    await bus.reclaim("the next daemon")

    sent = await bus.resend(task.id, actor="person")

    assert (sent.state, sent.outcome) == (State.REQUEST, None)
    again = await taken(bus, owner="s2")
    assert (await bus.begin_effect(again, "call", "append"))[1]
    await bus.finish_effect(again, "call", "appended")
    assert (await bus.final(again, Outcome.DONE, ANSWER)).outcome is Outcome.DONE
