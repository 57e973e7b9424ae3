"""Requests, and who gets to take them up."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from harness.bus.port import (
    DEFAULT_LEASE,
    MAX_ANCESTORS,
    MAX_CHILDREN,
    Outcome,
    Priority,
    Request,
    State,
    TooDeep,
    TooMany,
)
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.errors import NotFound
from tests.bus.steps import ANSWER, states, taken


async def test_a_request_comes_back_as_it_was_stored(bus: SqliteBus, clock: FakeClock) -> None:
    later = clock.now() + timedelta(hours=1)

    task = await bus.request(
        Request(
            "scout",
            "Look around.\nThen tell.",
            priority=Priority.P2,
            not_before=later,
            deadline=later + timedelta(hours=1),
            timeout=timedelta(minutes=3),
            deliver=("archive", "phone"),
            payload={"repo": "x"},
        )
    )

    assert task == await bus.get(task.id)
    assert (task.state, task.lane, task.title) == (State.REQUEST, "scout", "Look around.")
    assert (task.not_before, task.deliver, task.root) == (later, ("archive", "phone"), task.id)


async def test_a_known_key_returns_the_task_unchanged(bus: SqliteBus) -> None:
    first = await bus.request(Request("scout", "Look.", key="k"))

    second = await bus.request(Request("other", "Something else.", key="k"))

    assert second == first
    assert states(bus, first) == ["request"]


async def test_children_share_the_root_of_their_ancestors(bus: SqliteBus) -> None:
    grandparent = await bus.request(Request("zoe", "Plan."))
    parent = await bus.request(Request("scout", "Look.", parent=grandparent.id))

    child = await bus.request(Request("scribe", "Write.", parent=parent.id))

    assert (child.parent, child.root) == (parent.id, grandparent.id)


async def test_a_request_with_an_unknown_parent_is_refused(bus: SqliteBus) -> None:
    with pytest.raises(NotFound, match="no task 01NONE"):
        await bus.request(Request("scout", "Look.", parent="01NONE"))

    assert await bus.counts() == {}


async def test_agents_cannot_ask_each_other_for_ever(bus: SqliteBus) -> None:
    task = await bus.request(Request("a0", "Ask."))
    for step in range(MAX_ANCESTORS):
        task = await bus.request(Request(f"a{step + 1}", "Ask.", parent=task.id))

    with pytest.raises(TooDeep, match=task.id):
        await bus.request(Request("last", "Ask.", parent=task.id))


async def test_a_task_cannot_flood_the_others(bus: SqliteBus) -> None:
    task = await bus.request(Request("scout", "Ask."))
    wishes = [
        Request("macro", "Look.", parent=task.id, key=f"k{number}")
        for number in range(MAX_CHILDREN)
    ]
    asked = [await bus.request(wish) for wish in wishes]

    with pytest.raises(TooMany, match=task.id):
        await bus.request(Request("macro", "And look.", parent=task.id))
    assert await bus.request(wishes[0]) == asked[0]


async def test_a_claim_confirms_and_holds(bus: SqliteBus, clock: FakeClock) -> None:
    asked = await bus.request(Request("scout", "Look."))

    task = await taken(bus, owner="s1")

    assert (task.id, task.state, task.attempt, task.owner) == (asked.id, State.CONFIRMED, 1, "s1")
    assert task.lease_until == clock.now() + DEFAULT_LEASE
    assert states(bus, task) == ["request", "confirmed"]


async def test_a_lane_holds_no_more_than_its_cap(bus: SqliteBus) -> None:
    for _ in range(3):
        await bus.request(Request("scout", "Look."))

    claims = [await bus.claim("scout", cap=2, owner=f"s{n}") for n in range(3)]

    assert [task is not None for task in claims] == [True, True, False]


async def test_lanes_do_not_bar_each_other(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    await bus.request(Request("scribe", "Write."))
    await taken(bus, "scout")

    assert (await taken(bus, "scribe")).agent == "scribe"


async def test_a_special_lane_is_not_the_agents_own(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Build.", lane="workers"))

    assert await bus.claim("scout", cap=1, owner="s1") is None
    assert (await taken(bus, "workers")).agent == "scout"


async def test_claims_go_by_priority_and_then_by_age(bus: SqliteBus, clock: FakeClock) -> None:
    for prompt, priority in [("c", "P2"), ("a", "P1"), ("b", "P1"), ("first", "P0")]:
        await bus.request(Request("scout", prompt, priority=Priority(priority)))
        await clock.advance(1)

    order = [(await taken(bus, cap=9)).prompt for _ in range(4)]

    assert order == ["first", "a", "b", "c"]


async def test_what_is_not_due_yet_bars_nobody(bus: SqliteBus, clock: FakeClock) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    await bus.request(Request("scout", "urgent", priority=Priority.P0, not_before=tomorrow))
    await bus.request(Request("scout", "now"))

    assert (await taken(bus, cap=9)).prompt == "now"
    assert await bus.claim("scout", cap=9, owner="s1") is None
    assert await bus.next_due() == tomorrow
    await clock.advance(86_400)
    assert (await taken(bus, cap=9)).prompt == "urgent"
    assert await bus.next_due() is None


async def test_what_is_past_its_deadline_is_not_taken_up(bus: SqliteBus, clock: FakeClock) -> None:
    deadline = clock.now() + timedelta(seconds=10)
    asked = await bus.request(Request("scout", "Look.", deadline=deadline))
    await clock.advance(10)

    assert await bus.claim("scout", cap=1, owner="s1") is None
    swept = await bus.sweep()

    assert [(task.id, task.outcome) for task in swept] == [(asked.id, Outcome.EXPIRED)]
    assert states(bus, asked) == ["request", "expired"]


async def test_a_deadline_does_not_end_what_is_under_way(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look.", deadline=clock.now() + timedelta(seconds=10)))
    task = await taken(bus)
    await clock.advance(11)

    assert await bus.sweep() == []
    assert (await bus.final(task, Outcome.DONE, ANSWER)).state is State.FINAL


async def test_a_claim_whose_caller_left_is_handed_back(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=1))
    claim = asyncio.create_task(bus.claim("scout", cap=1, owner="s1"))
    await asyncio.sleep(0)  # it is queued

    claim.cancel()
    await bus.sweep()  # written behind the claim
    await bus.sweep()  # written behind what the claim led to

    (task,) = bus.reader.tasks()
    assert claim.cancelled()
    assert states(bus, task) == ["request", "confirmed", "request"]
    assert (task.max_attempts - task.attempt, task.owner) == (1, None)
