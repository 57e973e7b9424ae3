"""What a job owes after an absence: which slots, in which portions, and how each would end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bus.port import Due, SlotStatus
from harness.config.home import Home
from harness.config.job import Job
from harness.services.absence import LISTED, Backlog
from tests.services.schedules import job, schedule

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo")
WHEN = (
    *("every: 1s", "every: 47s", "every: 1m", "every: 2h", "at: 2026-03-02T09:00"),
    *("cron: '* * * * *'", "cron: '*/7 1-9 * * *'", "cron: '30 2 * * *'", "cron: '0 0 1 * *'"),
)


def one(folder: Path, when: str, **more: str) -> Job:
    home = Home(folder)
    return schedule(home, job("a", when, **more)).jobs["a"]


def all_of(backlog: Backlog, portion: int = 200) -> list[Due]:
    taken: list[Due] = []
    while dues := backlog.take(portion):
        assert len(dues) <= portion
        taken += dues
    return taken


@settings(max_examples=60, deadline=None)
@given(
    when=st.sampled_from(WHEN),
    zone=st.sampled_from(ZONES),
    misfire=st.sampled_from(["skip", "once", "all"]),
    away=st.timedeltas(timedelta(0), timedelta(days=50)),
    jitter=st.sampled_from(["0s", "7m"]),
)
def test_every_slot_is_accounted_for_whatever_the_absence(
    tmp_path_factory: pytest.TempPathFactory,
    when: str,
    zone: str,
    misfire: str,
    away: timedelta,
    jitter: str,
) -> None:
    folder = tmp_path_factory.mktemp("home")
    owing = one(folder, when, timezone=zone, misfire=misfire, jitter=jitter)
    now = START + away

    backlog = Backlog(owing, START, now)
    dues = all_of(backlog)

    slots = [due.slot for due in dues]
    assert slots == sorted(set(slots))
    assert all(START < slot <= now for slot in slots)
    assert sum(due.count for due in dues) == owing.count(START, now)
    assert backlog.is_paid
    assert backlog.following == next(owing.slots(now), None)
    run = dues[0].slot if dues and dues[0].count > 1 else START
    own = [due.slot for due in dues if due.count == 1]
    assert own == list(takewhile(lambda slot: slot <= now, owing.slots(run)))


def test_a_month_of_hours_is_a_row_each(tmp_path: Path) -> None:
    dues = all_of(Backlog(one(tmp_path, "every: 1h"), START, START + timedelta(days=30)))

    assert len(dues) == 720
    assert {due.count for due in dues} == {1}


def test_a_month_of_seconds_is_one_row_and_the_newest_slots(tmp_path: Path) -> None:
    days = timedelta(days=30)
    run, *rest = all_of(Backlog(one(tmp_path, "every: 1s"), START, START + days))

    assert run.first == START + timedelta(seconds=1)
    assert run.status is SlotStatus.MISSED
    assert run.count + len(rest) == days.total_seconds()
    assert LISTED <= len(rest) <= 3 * LISTED
    assert [due.status for due in rest[-61:]] == [SlotStatus.FIRED] * 61  # a minute late at most


def test_slots_that_may_still_fire_share_no_row(tmp_path: Path) -> None:
    owing = one(tmp_path, "every: 1m", misfire="all", grace="30d")

    dues = all_of(Backlog(owing, START, START + timedelta(days=10)))

    assert len(dues) == 14_400
    assert {due.status for due in dues} == {SlotStatus.FIRED}


@settings(max_examples=100, deadline=None)
@given(
    when=st.sampled_from(WHEN),
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2025, 3, 1), datetime(2026, 11, 1)),
    span=st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_slots_are_counted_and_found_without_looking_at_each(
    tmp_path_factory: pytest.TempPathFactory,
    when: str,
    zone: str,
    after: datetime,
    span: timedelta,
) -> None:
    counted = one(tmp_path_factory.mktemp("home"), when, timezone=zone)
    begin = after.replace(tzinfo=UTC)
    listed = list(takewhile(lambda slot: slot <= begin + span, counted.slots(begin)))

    assert counted.count(begin, begin + span) == len(listed)
    assert counted.newest(begin, begin + span) == (listed[-1] if listed else None)


def test_a_slot_that_a_gap_moves_to_midnight_is_counted_on_the_day_it_fires(tmp_path: Path) -> None:
    late = one(tmp_path, "cron: '30 23 * * *'", timezone="America/Nuuk")  # no such time on 28 March
    begin = datetime(2026, 3, 26, tzinfo=UTC)
    until = begin + timedelta(days=5)

    listed = list(takewhile(lambda slot: slot <= until, late.slots(begin)))

    assert datetime(2026, 3, 29, 1, tzinfo=UTC) in listed  # midnight there
    assert late.count(begin, until) == len(listed)
