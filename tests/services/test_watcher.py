"""The watcher on a real bus: leases, requests to nobody, failures in a row."""

from __future__ import annotations

import pytest

from harness.bus.port import Outcome, Recovered, Request, Result, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.services.watcher import UNSERVED, Household, Watcher


class House:
    """What the watcher asks for, to be changed by a test."""

    def __init__(self) -> None:
        self.agents = {"scout"}
        self.at_work: set[str] = set()

    def household(self) -> Household:
        return Household(lambda: self.agents, lambda: self.at_work, lambda: ["archive"])


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def watcher(bus: SqliteBus, house: House, clock: FakeClock) -> Watcher:
    return Watcher(bus, house.household(), clock)


async def taken(bus: SqliteBus) -> Task:
    task = await bus.claim("scout", cap=1, owner="daemon-1")
    assert task is not None
    return task


async def test_a_session_without_a_beat_loses_its_task_and_that_is_recorded(
    bus: SqliteBus, watcher: Watcher, clock: FakeClock
) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)
    await clock.advance(61)

    await watcher.look()

    assert (await bus.get(task.id)).state is State.REQUEST
    (recovery,) = bus.reader.recoveries(clock.now())
    assert (recovery.kind, recovery.subject) == (Recovered.LEASE, task.id)
    assert recovery.note == "scout: attempt 1 is over, it is tried again"


async def test_a_session_that_lives_keeps_its_task_through_a_suspend(
    bus: SqliteBus, watcher: Watcher, house: House, clock: FakeClock
) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)
    house.at_work = {task.id}
    clock.shift(8 * UNSERVED)

    await watcher.look()

    assert (await bus.get(task.id)).state is State.CONFIRMED
    await bus.beat(task)
    await bus.final(task, Outcome.DONE, Result("here"))


async def test_a_request_to_nobody_is_a_dead_letter_after_a_while(
    bus: SqliteBus, watcher: Watcher, house: House, clock: FakeClock
) -> None:
    task = await bus.request(Request("ghost", "Boo."))
    await watcher.look()
    assert (await bus.get(task.id)).state is State.REQUEST

    await clock.advance(UNSERVED.total_seconds())
    await watcher.look()

    dead = await bus.get(task.id)
    assert dead.state is State.DEAD
    assert dead.error == "there is no agent `ghost`: make agents/ghost/SOUL.md, then resend"
    house.agents.add("ghost")
    await bus.resend(task.id, actor="person")
    await watcher.look()
    assert (await bus.get(task.id)).state is State.REQUEST


async def test_a_job_that_fails_twice_is_told(bus: SqliteBus, watcher: Watcher) -> None:
    for _ in range(2):
        await bus.request(Request("scout", "Look.", job="daily"))
        await bus.final(await taken(bus), Outcome.FAILED, Result(), note="no sea")

    await watcher.look()

    (alert,) = bus.reader.tasks(agent="harness")
    assert (alert.title, alert.deliver) == ("Failing: job daily", ("archive",))
