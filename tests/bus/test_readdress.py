"""A request that named nobody: decided once, in its old place of the line, and counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.bus.port import IllegalTransition, LeaseLost, Outcome, Request, State
from harness.bus.routed import LANE, Decision, How, decided
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from tests.bus.steps import ANSWER, states, taken

CHOICE = Decision("scout", How.RULE, "gold")


async def test_it_goes_on_as_a_request_to_the_agent_chosen(bus: SqliteBus) -> None:
    asked = await bus.request(Request(LANE, "What about gold?", payload={"work": []}))

    moved = await bus.readdress(await taken(bus, LANE), CHOICE)

    assert moved == await bus.get(asked.id)
    assert (moved.agent, moved.lane, moved.state, moved.owner) == (
        *("scout", "scout", State.REQUEST),
        None,
    )
    assert moved.payload == {"work": [], "routed": {"how": "rule", "why": "gold"}}
    assert decided(moved.agent, moved.payload) == CHOICE
    last = bus.reader.events(asked.id)[-1]
    assert (last.state, last.actor, last.note) == (State.REQUEST, LANE, "to scout (rule: gold)")


async def test_the_attempt_is_not_spent(bus: SqliteBus) -> None:
    await bus.request(Request(LANE, "Look.", max_attempts=1))
    await bus.readdress(await taken(bus, LANE), CHOICE)

    ended = await bus.final(await taken(bus), Outcome.DONE, ANSWER)

    assert states(bus, ended) == ["request", "confirmed", "request", "confirmed", "done"]
    assert (ended.attempt, ended.max_attempts) == (2, 2)


async def test_it_stands_before_what_was_asked_later(bus: SqliteBus, clock: FakeClock) -> None:
    first = await bus.request(Request(LANE, "Look."))
    await clock.advance(5)
    await bus.request(Request("scout", "Look again."))
    await bus.readdress(await taken(bus, LANE), CHOICE)

    task = await taken(bus)

    assert task.id == first.id


async def test_it_is_decided_once(bus: SqliteBus) -> None:
    await bus.request(Request(LANE, "Look."))
    held = await taken(bus, LANE)
    await bus.readdress(held, CHOICE)

    with pytest.raises(LeaseLost):
        await bus.readdress(held, Decision("clerk", How.MODEL, "m"))
    with pytest.raises(IllegalTransition, match="is scout's already"):
        await bus.readdress(await taken(bus), Decision("clerk", How.MODEL, "m"))


async def test_a_decision_comes_too_late_for_what_was_cancelled(bus: SqliteBus) -> None:
    task = await bus.request(Request(LANE, "Look."))
    held = await taken(bus, LANE)
    await bus.cancel(task.id, actor="person")

    with pytest.raises(LeaseLost):
        await bus.readdress(held, CHOICE)

    assert states(bus, task) == ["request", "confirmed", "cancelled"]


async def test_the_note_of_a_request_stands_beside_its_first_event(bus: SqliteBus) -> None:
    task = await bus.request(Request("scout", "Look.", note=CHOICE.told))

    (event,) = bus.reader.events(task.id)

    assert (event.actor, event.note) == ("person", "to scout (rule: gold)")


async def test_decisions_are_counted_by_how_and_why(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Old.", payload=CHOICE.payload))
    await clock.advance(timedelta(days=1).total_seconds())
    since = clock.now()
    for decision in (CHOICE, CHOICE, Decision("zoe", How.UNSURE, "no answer in time", "30 s")):
        await bus.request(Request(decision.agent, "Look.", payload=decision.payload))
    await bus.request(Request("scout", "Named by itself."))
    await bus.request(Request(LANE, "Nobody knows yet."))

    assert bus.reader.routed(since) == {"rule": {"gold": 2}, "unsure": {"no answer in time": 1}}
