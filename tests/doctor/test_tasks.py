"""The queue when nobody looks after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.bus.port import Outcome, Question, Recovered, Request, Result
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.doctor.finding import Level
from harness.services.lock import HomeLock
from tests.bus.steps import taken
from tests.doctor.conftest import Look

CHECKS = ["leases", "waiting", "dead", "approvals", "failing", "recoveries"]


@pytest.mark.parametrize("check", CHECKS)
async def test_a_queue_at_work_is_well(
    look: Look, bus: SqliteBus, clock: FakeClock, check: str
) -> None:
    await bus.request(Request("scout", "Look."))
    await taken(bus)
    await bus.request(Request("scout", "Look again."))
    await clock.advance(90)

    assert look(check) == []


async def test_a_task_whose_session_is_gone_is_told_with_who_takes_it_over(
    look: Look, bus: SqliteBus, clock: FakeClock, home: Home
) -> None:
    await bus.request(Request("scout", "Look."))
    await taken(bus)
    await clock.advance(60 + 300)

    (found,) = look("leases")

    assert found.level is Level.WARNING
    assert found.message == "1 task is held by a session that is gone, since 5 min"
    assert found.fix == "harness up takes them over and tries them again"
    with HomeLock(home):
        (found,) = look("leases")
    assert found.level is Level.ERROR
    assert found.message.endswith("and the crew that runs does not take them over")


async def test_a_request_that_has_been_due_for_long_is_told_with_its_age(
    look: Look, bus: SqliteBus, clock: FakeClock, home: Home
) -> None:
    await bus.request(Request("scout", "Look."))
    await bus.request(Request("late", "Look.", not_before=clock.now() + timedelta(hours=3)))
    await clock.advance(3 * 3600)

    (found,) = look("waiting")

    assert (found.level, found.fix) == (Level.WARNING, "harness up")
    assert found.message == (
        "the oldest request of scout has been due for 3 h, and the crew does not run"
    )
    with HomeLock(home):
        (found,) = look("waiting")
    assert str(found.fix).endswith("harness queue list --agent scout --state request")


async def test_dead_letters_are_counted_and_the_newest_is_named(look: Look, bus: SqliteBus) -> None:
    task = await bus.request(Request("scout", "Look.", max_attempts=1))
    await bus.fail(await taken(bus), "the sea is gone")

    (found,) = look("dead")

    assert found.level is Level.WARNING
    assert task.id in found.message
    assert "1 dead letter waits for a person" in found.message
    assert "the sea is gone" in found.message
    assert "harness dead resend TASK" in str(found.fix)


async def test_a_question_is_told_of_when_it_is_old_and_when_it_ends(
    look: Look, bus: SqliteBus, clock: FakeClock
) -> None:
    until = clock.now() + timedelta(hours=12)
    await bus.request(Request("scout", "Look."))
    task = await taken(bus)
    asked = await bus.ask_approval(task, Question("write", "hash", "{}", "no rule", until))
    await bus.park(task, "waiting")

    at_once = look("approvals")
    (old,) = look("approvals", now=clock.now() + timedelta(hours=3))
    _, ending = look("approvals", now=until - timedelta(minutes=20))

    assert at_once == look("approvals", now=until) == []
    assert (old.level, old.fix) == (Level.WARNING, "harness approvals list")
    assert old.message == "1 call has waited for your word for more than an hour, the first for 3 h"
    assert ending.message == "1 question expires within the hour, the first in 20 min: scout, write"
    assert asked.id in str(ending.fix)


async def test_a_job_that_fails_in_a_row_is_told_and_one_that_failed_once_is_not(
    look: Look, bus: SqliteBus
) -> None:
    for _ in range(2):
        await bus.request(Request("scout", "Look.", job="daily"))
        last = await bus.final(await taken(bus), Outcome.FAILED, Result(), note="no sea")
        before = look("failing")
        await bus.review([])

    assert before == []
    (found,) = look("failing")
    assert found.message == "job daily failed 2 times in a row"
    assert found.fix == f"see why: harness queue show {last.id}"


async def test_what_the_house_put_right_is_a_hint_for_a_fortnight(
    look: Look, bus: SqliteBus, clock: FakeClock
) -> None:
    for _ in range(2):
        await bus.recovered(Recovered.RESTARTED, "courier", "OSError: disk full")
    await clock.advance(3 * 86_400)

    (found,) = look("recoveries")

    assert found.level is Level.HINT
    assert found.message == (
        "the house put something right 2 times in 14 days; the last time 3 days ago:"
        " service restarted, courier, OSError: disk full"
    )
    assert look("recoveries", now=clock.now() + timedelta(days=12)) == []
