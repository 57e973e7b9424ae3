"""How notes fade."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.memory.notes.strength import strength, strength_on

MONTH = timedelta(days=30)
TODAY = date(2026, 11, 21)
ages = st.timedeltas(timedelta(0), timedelta(days=3650))
uses = st.integers(0, 1000)
half_lives = st.timedeltas(timedelta(days=1), timedelta(days=1000))


def test_a_note_counts_half_after_its_half_life_and_later_when_it_was_of_use() -> None:
    assert strength(MONTH, 0, MONTH) == pytest.approx(0.5)
    assert strength(2 * MONTH, 1, MONTH) == pytest.approx(0.5)
    assert strength(3 * MONTH, 3, MONTH) == pytest.approx(0.5)


@given(ages, uses, half_lives)
def test_strength_is_between_nothing_and_one(age: timedelta, n: int, half: timedelta) -> None:
    assert 0 <= strength(age, n, half) <= 1


@given(ages, ages, uses, half_lives)
def test_what_is_older_is_never_stronger(
    age: timedelta, more: timedelta, n: int, half: timedelta
) -> None:
    assert strength(age + more, n, half) <= strength(age, n, half)


@given(ages, uses, uses, half_lives)
def test_what_was_of_use_more_often_is_never_weaker(
    age: timedelta, n: int, more: int, half: timedelta
) -> None:
    assert strength(age, n + more, half) >= strength(age, n, half)


@given(ages, uses, half_lives, half_lives)
def test_a_longer_half_life_never_weakens(
    age: timedelta, n: int, half: timedelta, more: timedelta
) -> None:
    assert strength(age, n, half + more) >= strength(age, n, half)


@given(st.dates(), uses)
def test_what_has_no_day_or_no_half_life_does_not_fade(day: date, n: int) -> None:
    assert strength_on(TODAY, None, MONTH, n) == 1
    assert strength_on(TODAY, day, None, n) == 1


def test_the_age_counts_from_the_last_use() -> None:
    written = TODAY - timedelta(days=300)

    assert strength_on(TODAY, written, MONTH, uses=1, last=TODAY) == 1
    assert strength_on(TODAY, written, MONTH, uses=1, last=TODAY - 2 * MONTH) == pytest.approx(0.5)


def test_a_day_that_is_still_to_come_is_no_age() -> None:
    assert strength_on(TODAY, TODAY + timedelta(days=9), MONTH) == 1
