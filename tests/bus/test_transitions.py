"""Every step of a task that was taken up: how it is held, lost, ended, and tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.bus.port import (
    DEFAULT_LEASE,
    RETRY_LADDER,
    IllegalTransition,
    LeaseLost,
    Outcome,
    Request,
    Result,
    State,
)
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.errors import NotFound
from tests.bus.steps import ANSWER, dead, states, taken


async def test_a_beat_renews_the_lease(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)
    await clock.advance(50)

    until = await bus.beat(task)

    await clock.advance(50)
    assert until == (await bus.get(task.id)).lease_until
    assert await bus.sweep() == []


async def test_a_silent_session_loses_its_task(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus, owner="s1")
    await clock.advance(DEFAULT_LEASE.total_seconds())

    (swept,) = await bus.sweep()

    assert (swept.state, swept.owner, swept.error) == (
        State.REQUEST,
        None,
        "lease of s1 expired",
    )
    with pytest.raises(LeaseLost, match=f"s1 lost task {task.id}"):
        await bus.beat(task)


async def test_a_final_is_kept_whole(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)

    ended = await bus.final(task, Outcome.PARTIAL, ANSWER, note="the budget is spent")

    assert ended == await bus.get(task.id)
    assert (ended.state, ended.outcome, ended.error) == (
        State.FINAL,
        Outcome.PARTIAL,
        "the budget is spent",
    )
    assert ended.result == Result(ANSWER.text, ANSWER.data, ["archive/a.md"], ANSWER.tokens)
    assert states(bus, task) == ["request", "confirmed", "partial"]


async def test_an_error_of_an_earlier_attempt_does_not_stick_to_a_good_answer(
    bus: SqliteBus, clock: FakeClock
) -> None:
    await bus.request(Request("scout", "Look."))
    await bus.fail(await taken(bus), "the server was away")
    await clock.advance(30)

    ended = await bus.final(await taken(bus), Outcome.DONE, ANSWER, note="completed")

    assert (ended.attempt, ended.error) == (2, None)


async def test_a_stale_owner_cannot_finish_the_task(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    stale = await taken(bus, owner="s1")
    await clock.advance(60)
    await bus.sweep()
    await clock.advance(30)
    current = await taken(bus, owner="s1")  # the same owner, another attempt

    for write in (
        bus.final(stale, Outcome.DONE, ANSWER),
        bus.fail(stale, "x"),
        bus.release(stale, "x"),
        bus.beat(stale),
        bus.take_notes(stale),
    ):
        with pytest.raises(LeaseLost, match="attempt 1"):
            await write

    assert (await bus.final(current, Outcome.DONE, ANSWER)).attempt == 2
    assert states(bus, stale).count("done") == 1


async def test_failed_attempts_wait_by_the_ladder_and_then_die(
    bus: SqliteBus, clock: FakeClock
) -> None:
    asked = await bus.request(Request("scout", "Look."))

    waits = []
    for _ in range(asked.max_attempts - 1):
        task = await bus.fail(await taken(bus), "the server was away")
        waits.append(task.not_before - clock.now())
        await clock.advance(waits[-1].total_seconds())
    last = await bus.fail(await taken(bus), "the server was away")

    assert tuple(waits) == RETRY_LADDER
    assert (last.state, last.attempt, last.error) == (State.DEAD, 6, "the server was away")


async def test_a_permanent_error_is_not_tried_again(bus: SqliteBus) -> None:
    task = await dead(bus)

    assert (task.state, task.attempt) == (State.DEAD, 1)
    assert await bus.counts() == {
        "scout": {State.REQUEST: 0, State.CONFIRMED: 0, State.FINAL: 0, State.DEAD: 1}
    }


async def test_a_lease_that_runs_out_on_the_last_attempt_kills_the_task(
    bus: SqliteBus, clock: FakeClock
) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=1))
    await taken(bus)
    await clock.advance(60)

    (swept,) = await bus.sweep()

    assert swept.state is State.DEAD


async def test_an_attempt_handed_back_is_not_spent(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=1))
    first = await taken(bus)

    freed = await bus.release(first, "the daemon stopped")
    second = await taken(bus)
    failed = await bus.fail(second, "no luck")

    assert (freed.state, freed.attempt, freed.max_attempts) == (State.REQUEST, 1, 2)
    assert (second.attempt, failed.state) == (2, State.DEAD)


async def test_a_resent_task_gets_its_whole_budget_again(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=2, key="k"))
    await bus.fail(await taken(bus), "x")
    await clock.advance(30)
    died = await bus.fail(await taken(bus), "x")

    again = await bus.resend(died.id, actor="person")
    third = await bus.fail(await taken(bus), "x")
    await clock.advance(30)
    fourth = await bus.fail(await taken(bus), "x")

    assert (again.state, again.key, again.max_attempts, again.error) == (
        State.REQUEST,
        "k",
        4,
        None,
    )
    assert third.not_before - third.updated_at == RETRY_LADDER[0]
    assert (fourth.state, fourth.attempt) == (State.DEAD, 4)


async def test_a_person_can_resend_what_is_past_its_deadline(
    bus: SqliteBus, clock: FakeClock
) -> None:
    await bus.request(Request("scout", "Look.", deadline=clock.now() + timedelta(seconds=5)))
    died = await bus.fail(await taken(bus), "x", permanent=True)
    await clock.advance(6)

    await bus.resend(died.id, actor="person")

    assert await bus.sweep() == []
    assert (await taken(bus)).id == died.id


async def test_only_the_dead_are_resent(bus: SqliteBus) -> None:
    task = await bus.request(Request("scout", "Look."))

    with pytest.raises(IllegalTransition, match="in request and cannot be sent again"):
        await bus.resend(task.id, actor="person")
    with pytest.raises(NotFound):
        await bus.resend("01NONE", actor="person")


async def test_everything_but_a_final_can_be_cancelled(bus: SqliteBus) -> None:
    died = await dead(bus)
    asked = await bus.request(Request("scribe", "Write."))
    await bus.request(Request("scout", "Look."))
    held = await taken(bus)

    for task in (died, asked, held):
        ended = await bus.cancel(task.id, actor="person", note="not needed")
        assert (ended.state, ended.outcome, ended.error) == (
            State.FINAL,
            Outcome.CANCELLED,
            "not needed",
        )

    with pytest.raises(IllegalTransition, match="it is over"):
        await bus.cancel(held.id, actor="person")
    with pytest.raises(LeaseLost):
        await bus.final(held, Outcome.DONE, ANSWER)
    with pytest.raises(NotFound):
        await bus.cancel("01NONE", actor="person")


async def test_a_new_daemon_takes_over_at_once(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    await bus.request(Request("scribe", "Write."))
    stale = await taken(bus, "scout", owner="old")
    await taken(bus, "scribe", owner="new")

    (orphan,) = await bus.reclaim("new")

    assert (orphan.id, orphan.state, orphan.error) == (stale.id, State.REQUEST, "old is gone")
    assert (await taken(bus, "scout", owner="new")).attempt == 2


async def test_a_task_that_kills_every_daemon_dies_in_the_end(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=2))

    for number in range(2):
        await taken(bus, owner=f"daemon-{number}")
        (orphan,) = await bus.reclaim(f"daemon-{number + 1}")

    assert orphan.state is State.DEAD


async def test_every_step_tells_who_took_it(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look.", sender="zoe"))
    await bus.fail(await taken(bus, owner="s1"), "away")
    await clock.advance(30)
    task = await bus.release(await taken(bus, owner="s2"), "stopped")
    await bus.cancel(task.id, actor="person", note="enough")

    log = bus.reader.events(task.id)

    assert [(event.state, event.attempt, event.actor, event.note) for event in log] == [
        (State.REQUEST, 0, "zoe", None),
        (State.CONFIRMED, 1, "s1", None),
        (State.REQUEST, 1, "s1", "away"),
        (State.CONFIRMED, 2, "s2", None),
        (State.REQUEST, 2, "s2", "stopped"),
        (State.FINAL, 2, "person", "enough"),
    ]


async def test_a_sweep_spares_what_is_known_to_live(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)
    clock.shift(timedelta(hours=1))

    assert await bus.sweep(spare={task.id}) == []

    assert [swept.id for swept in await bus.sweep()] == [task.id]


async def test_a_request_of_a_clock_that_was_set_back_does_not_wait_for_it(
    bus: SqliteBus, clock: FakeClock
) -> None:
    now = await bus.request(Request("scout", "Look."))
    later = await bus.request(
        Request("scout", "Later.", not_before=clock.now() + timedelta(minutes=5))
    )
    clock.shift(-timedelta(hours=1))

    await bus.sweep()

    assert (await taken(bus)).id == now.id
    assert (await bus.get(later.id)).not_before == clock.now() + timedelta(minutes=5)
