"""Failures in a row: one alert for each row, an hour apart, and never lost in a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from harness.bus.incidents import COOLDOWN, HOUSE, IN_A_ROW, counted, deserves_alert
from harness.bus.port import Incident, Outcome, Request, Stamp, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from tests.bus.steps import ANSWER, taken
from tests.doubles.finals import final

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def ends(bus: SqliteBus, outcome: Outcome, job: str | None = "daily") -> Task:
    await bus.request(Request("scout", "Look.", job=job))
    return await bus.final(await taken(bus), outcome, ANSWER, note="the sea is gone")


async def alerts(bus: SqliteBus) -> list[Task]:
    return [task for task in await bus.owed(Stamp.DELIVERED) if task.agent == HOUSE]


async def test_two_failures_in_a_row_are_one_alert_that_is_delivered_like_any_final(
    bus: SqliteBus,
) -> None:
    await ends(bus, Outcome.FAILED)
    assert await bus.review(["archive"]) == []
    last = await ends(bus, Outcome.FAILED)

    (incident,) = await bus.review(["archive"])

    assert (incident.subject, incident.failures, incident.task) == ("job daily", 2, last.id)
    (alert,) = await alerts(bus)
    assert (alert.title, alert.deliver) == ("Failing: job daily", ("archive",))
    assert alert.result is not None
    assert alert.result.text == (
        f"- job daily: 2 times in a row, last: the sea is gone (harness queue show {last.id})"
    )
    assert [event.state for event in bus.reader.events(alert.id)] == [State.REQUEST, State.FINAL]


async def test_a_row_is_told_once_and_a_new_one_not_within_the_hour(
    bus: SqliteBus, clock: FakeClock
) -> None:
    for _ in range(4):
        await ends(bus, Outcome.FAILED)
        await bus.review([])
    assert len(bus.reader.tasks(agent=HOUSE)) == 1
    await ends(bus, Outcome.DONE)
    await bus.review([])
    assert bus.reader.incidents() == []

    await clock.advance(600)
    for _ in range(3):
        await ends(bus, Outcome.FAILED)
        await bus.review([])
    assert len(bus.reader.tasks(agent=HOUSE)) == 1
    await clock.advance(3600)
    await ends(bus, Outcome.FAILED)
    await bus.review([])

    assert len(bus.reader.tasks(agent=HOUSE)) == 2


async def test_what_fails_together_is_told_together(bus: SqliteBus) -> None:
    for job in ("daily", "hourly", None):
        await ends(bus, Outcome.FAILED, job)
        await ends(bus, Outcome.FAILED, job)

    told = await bus.review(["archive"])

    assert [incident.subject for incident in told] == ["job daily", "job hourly", "agent scout"]
    (alert,) = await alerts(bus)
    assert alert.title == "Failing: job daily and 2 more"


async def test_a_dead_letter_counts_and_an_alert_does_not_count_itself(bus: SqliteBus) -> None:
    for _ in range(2):
        await bus.request(Request("scout", "Look."))
        await bus.fail(await taken(bus), "no such page", permanent=True)
    await bus.review([])

    assert await bus.review([]) == []
    assert [incident.subject for incident in bus.reader.incidents()] == ["agent scout"]


async def test_a_review_that_was_made_is_not_made_again(bus: SqliteBus) -> None:
    await ends(bus, Outcome.FAILED)
    await bus.review([])
    assert await bus.review([]) == []

    (incident,) = bus.reader.incidents()
    assert incident.failures == 1


outcomes = st.sampled_from([Outcome.DONE, Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED])


@given(st.lists(st.tuples(outcomes, st.integers(0, 7200))))
def test_alerts_about_one_subject_are_an_hour_apart_and_one_a_row(
    ends: list[tuple[Outcome, int]],
) -> None:
    incident, now, told, row = Incident("job x"), NOON, list[datetime](), 0
    for outcome, seconds in ends:
        now += timedelta(seconds=seconds)
        row = {Outcome.DONE: 0, Outcome.CANCELLED: row}.get(outcome, row + 1)
        incident = counted(incident, final(outcome=outcome), now)
        if deserves_alert(incident, now):
            assert row >= IN_A_ROW
            assert not told or now - told[-1] >= COOLDOWN
            told.append(now)
            incident = Incident(**(vars(incident) | {"alerted_at": now}))
            assert not deserves_alert(incident, now + timedelta(days=9))
