from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.durations import LONGEST, DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("1h30m", 5400), ("20m", 1200), ("0s", 0), ("2d", 172800), ("1d1s", 86401)],
)
def test_people_write_spans_in_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "90",
        "m",
        "1.5h",
        "30m1h",
        "-5m",
        "5 m",
        "1w",
        "5M",
        "٣m",
        "9" * 5000 + "d",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)

    assert "1h30m" in (caught.value.hint or "")


@given(st.integers(min_value=0, max_value=10**9))
def test_what_is_written_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)

    assert parse_duration(format_duration(span)) == span


def test_a_hundred_years_are_the_longest_span() -> None:
    assert parse_duration("36500d") == LONGEST
    with pytest.raises(DurationError) as caught:
        parse_duration("36500d1s")

    assert caught.value.hint == "the longest is 36500d"


def test_a_refusal_repeats_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(DurationError) as refusal:
        parse_duration("9" * 10_000)

    assert len(str(refusal.value)) < 100
