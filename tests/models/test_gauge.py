from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.gauge import NARROWEST, SMALLEST, WIDEST, Gauge

RATIOS = st.floats(0.4, 2.5)
SIZES = st.integers(SMALLEST, 100_000)


@given(RATIOS, st.lists(SIZES, min_size=3, max_size=30))
def test_a_model_that_counts_alike_is_known_after_three_replies(
    ratio: float, sizes: list[int]
) -> None:
    gauge = Gauge()

    for size in sizes:
        gauge.learn(size, round(size * ratio))

    assert gauge.corrected(10_000) == pytest.approx(10_000 * ratio, rel=0.01)
    assert gauge.margin == NARROWEST


@given(RATIOS, st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=40))
def test_a_whole_prompt_of_the_usual_kind_lies_between_least_and_most(
    ratio: float, noise: list[float]
) -> None:
    gauge = Gauge()
    for off in noise[:-1]:
        gauge.learn(10_000, round(10_000 * ratio * (1 + off)))

    counted = 10_000 * ratio * (1 + noise[-1])

    if gauge.seen >= 3:
        assert gauge.least(10_000) * 0.97 <= counted


@given(st.lists(st.tuples(SIZES, st.integers(1, 300_000)), max_size=30))
def test_whatever_is_learned_the_margin_stays_within_its_bounds(
    replies: list[tuple[int, int]],
) -> None:
    gauge = Gauge()
    for estimate, counted in replies:
        gauge.learn(estimate, counted)

    assert NARROWEST <= gauge.margin <= WIDEST
    assert gauge.least(1000) <= gauge.corrected(1000)


def test_a_model_that_counts_now_so_now_so_keeps_a_wide_margin() -> None:
    gauge = Gauge()
    for ratio in (0.7, 1.4, 0.8, 1.5, 0.7, 1.4):
        gauge.learn(1000, round(1000 * ratio))

    assert gauge.margin == WIDEST


def test_a_short_prompt_teaches_nothing() -> None:
    gauge = Gauge()
    gauge.learn(SMALLEST - 1, 5 * SMALLEST)
    gauge.learn(1000, 0)

    assert gauge == Gauge()


def test_what_changes_is_learned_anew() -> None:
    gauge = Gauge()
    for _ in range(20):
        gauge.learn(1000, 1000)
    for _ in range(60):
        gauge.learn(1000, 1600)

    assert gauge.corrected(1000) == pytest.approx(1600, rel=0.02)


NUM_CTX = 4096


@given(RATIOS, st.integers(SMALLEST, 3900))
def test_a_whole_prompt_with_room_to_spare_is_not_taken_for_cut(ratio: float, tokens: int) -> None:
    gauge = Gauge()
    for _ in range(3):
        gauge.learn(10_000, round(10_000 * ratio))

    estimate = round(tokens / ratio)

    assert not gauge.was_cut(estimate, tokens, NUM_CTX)
    assert not gauge.cannot_fit(estimate, NUM_CTX)


@given(RATIOS, st.integers(NUM_CTX * 5 // 4, 100_000), st.floats(0.5, 0.95))
def test_a_prompt_that_a_known_model_cut_is_noticed(
    ratio: float, tokens: int, filled: float
) -> None:
    gauge = Gauge()
    for _ in range(3):
        gauge.learn(10_000, round(10_000 * ratio))

    estimate = round(tokens / ratio)

    assert gauge.was_cut(estimate, round(NUM_CTX * filled), NUM_CTX)
    assert gauge.cannot_fit(estimate, NUM_CTX)


def test_of_a_model_unknown_only_what_is_past_doubt_is_too_long() -> None:
    gauge = Gauge()

    assert not gauge.cannot_fit(5400, NUM_CTX)
    assert gauge.cannot_fit(5600, NUM_CTX)
