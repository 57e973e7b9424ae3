"""Whether a rule helps, by what was seen before and after."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.memory.learning import Kind, Learning, Source, Verification
from harness.memory.rules.recurrence import AGAIN, LEAST, Recurrence, Verdict, recurrence

PROMOTED = date(2026, 11, 18)
DAYS_BEFORE = (-2, -1, 0)


def learning(*days: int, tasks: int = 100, promoted: date | None = PROMOTED) -> Learning:
    """An entry that was seen so many days after its promotion."""
    seen = [
        Verification(PROMOTED + timedelta(days=day), f"01TASK{n % tasks}", Source.TOOL)
        for n, day in enumerate(days)
    ]
    return Learning(
        id="ERR-20261116-001",
        agent="scout",
        kind=Kind.ERROR,
        title="run",
        status="promoted",
        priority="medium",
        pattern_key="api.wrong_field",
        count=len(seen),
        tasks=tuple(dict.fromkeys(each.task for each in seen)),
        first_seen=min((each.day for each in seen), default=None),
        last_seen=max((each.day for each in seen), default=None),
        summary="BUY_AMT is no field",
        fix="",
        evidence="",
        verifications=tuple(seen),
        quarantine=(),
        contradicted_by="",
        promoted=promoted,
        path="memory/scout/.learnings/ERRORS.md",
        line=3,
    )


def after(days: int) -> date:
    return PROMOTED + timedelta(days=days)


def seen(entry: Learning, days: int) -> Recurrence:
    found = recurrence(entry, after(days))
    assert found is not None
    return found


def test_an_entry_that_is_no_rule_has_no_recurrence() -> None:
    assert recurrence(learning(*DAYS_BEFORE, promoted=None), PROMOTED) is None


def test_what_was_seen_on_the_day_of_the_promotion_was_before_it() -> None:
    found = seen(learning(*DAYS_BEFORE), 10)

    assert (found.before, found.after, found.days) == (3, 0, 10)


@pytest.mark.parametrize(
    ("days", "since", "verdict"),
    [
        (3, (), Verdict.TOO_EARLY),
        (LEAST, (), Verdict.HELPS),
        (3, (2,), Verdict.TOO_EARLY),
        (9, (5,), Verdict.HELPS),
        (2, (1, 2), Verdict.DOES_NOT_HELP),
        (9, (5, 9), Verdict.DOES_NOT_HELP),
        (60, (5, 10), Verdict.HELPS),
    ],
)
def test_the_verdict_is_by_the_rate_before_and_after(
    days: int, since: tuple[int, ...], verdict: Verdict
) -> None:
    assert seen(learning(*DAYS_BEFORE, *since), days).verdict is verdict


def test_twice_in_one_task_says_nothing_against_a_rule() -> None:
    entry = learning(*DAYS_BEFORE, 1, 2, tasks=1)

    assert seen(entry, 2).verdict is Verdict.TOO_EARLY


def test_a_rare_mistake_that_stayed_away_for_a_week_proves_nothing() -> None:
    entry = learning(-28, -14, 0)

    assert seen(entry, 8).verdict is Verdict.TOO_EARLY
    assert seen(entry, 25).verdict is Verdict.HELPS


counts = st.builds(
    Recurrence,
    before=st.integers(1, 200),
    days_before=st.integers(LEAST, 400),
    after=st.integers(0, 200),
    tasks_after=st.integers(0, 200),
    days=st.integers(0, 400),
)
ORDER = [Verdict.HELPS, Verdict.TOO_EARLY, Verdict.DOES_NOT_HELP]


@given(counts)
def test_one_more_time_in_another_task_never_speaks_for_a_rule(found: Recurrence) -> None:
    again = Recurrence(
        found.before, found.days_before, found.after + 1, found.tasks_after + 1, found.days
    )

    assert ORDER.index(again.verdict) >= ORDER.index(found.verdict)


@given(counts, st.integers(1, 100))
def test_a_quiet_day_never_speaks_against_a_rule(found: Recurrence, more: int) -> None:
    later = Recurrence(
        found.before, found.days_before, found.after, found.tasks_after, found.days + more
    )

    assert ORDER.index(later.verdict) <= ORDER.index(found.verdict)


@given(counts)
def test_a_rule_is_never_blamed_for_what_came_back_less_than_twice(found: Recurrence) -> None:
    if min(found.after, found.tasks_after) < AGAIN:
        assert found.verdict is not Verdict.DOES_NOT_HELP


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=30), st.integers(0, 400))
def test_before_and_after_are_all_that_was_seen(days: list[int], now: int) -> None:
    found = seen(learning(*days), now)

    assert found.before + found.after == len(days)
    assert found.rate_before >= 0
