"""Ages in words."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.ages import age_in_words

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "today"),
        (1, "yesterday"),
        (2, "2 days ago"),
        (6, "6 days ago"),
        (7, "last week"),
        (13, "last week"),
        (14, "2 weeks ago"),
        (27, "3 weeks ago"),
        (28, "in October 2026"),
        (400, "in October 2025"),
        (-1, "on 2026-11-22"),
    ],
)
def test_an_age_is_said_as_a_person_says_it(days: int, said: str) -> None:
    assert age_in_words(TODAY - timedelta(days=days), TODAY) == said


@given(st.dates(), st.dates())
def test_every_day_has_an_age(day: date, today: date) -> None:
    assert age_in_words(day, today)
