"""Which days a question names."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.memory.search.days import Span, spans_in

TODAY = date(2026, 11, 18)  # a Wednesday
YEARS = (2025, 2026)


def spans(query: str) -> list[tuple[str, str]]:
    return [(str(one.first), str(one.last)) for one in spans_in(query, YEARS, TODAY)]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("what on 2026-05-08?", "2026-05-08", "2026-05-08"),
        ("what on 8 May 2023?", "2023-05-08", "2023-05-08"),
        ("the 8th of May, 2023", "2023-05-08", "2023-05-08"),
        ("on May 8th, 2023", "2023-05-08", "2023-05-08"),
        ("in May 2023", "2023-05-01", "2023-05-31"),
        ("in Sept. 2023", "2023-09-01", "2023-09-30"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("the winter of 2023", "2023-12-01", "2024-02-29"),
        ("during 2023", "2023-01-01", "2023-12-31"),
        ("today", "2026-11-18", "2026-11-18"),
        ("yesterday", "2026-11-17", "2026-11-17"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("this week", "2026-11-16", "2026-11-18"),
        ("last Tuesday", "2026-11-17", "2026-11-17"),
        ("last Wednesday", "2026-11-11", "2026-11-11"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("three days ago", "2026-11-15", "2026-11-15"),
    ],
)
def test_one_way_of_saying_a_time_is_understood(query: str, first: str, last: str) -> None:
    assert spans(query) == [(first, last)]


def test_a_month_without_a_year_may_be_in_any_that_is_told_of() -> None:
    assert spans("what was decided in May?") == [
        ("2025-05-01", "2025-05-31"),
        ("2026-05-01", "2026-05-31"),
    ]


@pytest.mark.parametrize(
    "query", ["may I go?", "march on", "version 2026", "32 of them", "at 9", ""]
)
def test_words_that_only_look_like_a_day_name_none(query: str) -> None:
    assert spans(query) == []


def test_a_span_holds_the_days_around_it_when_asked_to() -> None:
    span = Span(date(2026, 5, 8), date(2026, 5, 9))

    assert span.holds(date(2026, 5, 7), before=1)
    assert not span.holds(date(2026, 5, 7))
    assert span.holds(date(2026, 5, 12), after=3)


@settings(deadline=None)
@given(st.text(alphabet="0123456789-/ maywinterofglasto,."), st.dates())
def test_any_words_name_days_in_order_or_none(query: str, today: date) -> None:
    assert all(one.first <= one.last for one in spans_in(query, YEARS, today))
