"""The breaker's rules, as rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.models.port import ToolCall, Usage
from harness.session.breaker import FAILURES, ROUNDS, Breaker
from harness.session.brief import Limits
from harness.session.steps import Reason
from harness.tools.tool import ToolResult

WIDE = Limits(max_turns=10_000, tokens=10**9)
names = st.sampled_from("abc")


def after(trail: str, *, ok: bool = True, turn_each: bool = True) -> Breaker:
    """A breaker that saw these calls; the letter is the call and its result."""
    breaker = Breaker().began()
    for letter in trail:
        breaker = breaker.tried(
            ToolCall("id", letter, {"to": letter}), ToolResult("id", letter, letter, ok=ok)
        )
        breaker = breaker.began() if turn_each else breaker
    return breaker


def trips(breaker: Breaker) -> bool:
    stop = breaker.verdict(WIDE, next_prompt=0)
    return stop is not None and stop.reason is Reason.BREAKER


@given(st.text("abc", max_size=12), names)
def test_the_same_call_with_the_same_result_three_times_trips(before: str, name: str) -> None:
    assert trips(after(before + name * ROUNDS))


@given(st.text("abc", max_size=12), names, names)
def test_to_and_fro_three_times_trips(before: str, one: str, other: str) -> None:
    assert trips(after(before + (one + other) * ROUNDS))


@given(st.text("abc", max_size=12))
def test_it_trips_on_circles_and_on_nothing_else(trail: str) -> None:
    circles = [trail[-n * ROUNDS :] for n in (1, 2, 3) if len(trail) >= n * ROUNDS]

    expected = any(tail == tail[: len(tail) // ROUNDS] * ROUNDS for tail in circles)

    assert trips(after(trail)) == expected


@given(st.lists(st.integers(), unique=True, max_size=20))
def test_different_results_of_the_same_call_are_progress(values: list[int]) -> None:
    breaker = Breaker()
    for value in values:
        call, result = ToolCall("id", "poll", {}), ToolResult("id", "poll", str(value))
        breaker = breaker.began().tried(call, result)

    assert not trips(breaker)


def test_the_order_of_arguments_does_not_matter() -> None:
    breaker = Breaker()
    for arguments in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}):
        breaker = breaker.began().tried(
            ToolCall("id", "x", arguments), ToolResult("id", "x", "same")
        )

    assert trips(breaker)


@given(names)
def test_asking_the_same_in_one_breath_is_no_circle(name: str) -> None:
    assert not trips(after(name * 6, turn_each=False))


def test_failures_of_one_breath_are_no_cascade_and_those_of_two_are() -> None:
    assert not trips(after("abcde", ok=False, turn_each=False))
    assert trips(after("abcde", ok=False))


@given(st.lists(st.booleans(), max_size=15))
def test_a_cascade_is_that_many_failures_in_a_row(oks: list[bool]) -> None:
    breaker = Breaker()
    for place, ok in enumerate(oks):
        call = ToolCall("id", "x", {"n": place})
        breaker = breaker.began().tried(call, ToolResult("id", "x", str(place), ok=ok))

    assert trips(breaker) == (len(oks) >= FAILURES and not any(oks[-FAILURES:]))


@given(st.integers(1, 50), st.integers(0, 60))
def test_turns_end_at_their_limit(limit: int, turns: int) -> None:
    stop = Breaker(turns=turns).verdict(Limits(max_turns=limit), next_prompt=0)

    assert (stop is not None) == (turns >= limit)
    assert stop is None or stop.reason is Reason.MAX_TURNS


@given(st.integers(1000, 10_000), st.integers(0, 12_000), st.integers(0, 6000))
def test_a_turn_begins_only_if_summing_up_still_fits(budget: int, spent: int, prompt: int) -> None:
    breaker = Breaker().spent(Usage(prompt=spent))

    stop = breaker.verdict(Limits(tokens=budget), next_prompt=prompt)

    if stop is None:
        assert spent + 2 * prompt <= budget
        assert spent <= 0.9 * budget
    else:
        assert stop.reason is Reason.BUDGET
