"""MEMORY.md in a prompt: within its budget, whatever it holds."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.memory.rules.lines import Rule
from harness.session.remembered import LEFT_OUT, remembered
from harness.text.tokens import estimate_tokens

TODAY = date(2026, 11, 21)
PATH = "memory/scout/MEMORY.md"


def rule(number: int, last: date = TODAY, more: str = "") -> str:
    """A promoted line."""
    return Rule(
        id=f"01KX{number:022d}",
        text=f"When a call fails for reason {number}, read the message before you try again.",
        entries=(f"ERR-20261116-{number:03d}",),
        count=3,
        tasks=3,
        first=last - timedelta(days=2),
        last=last,
        promoted=last,
        more=more,
    ).line()


def told(text: str, tokens: int = 4_000, today: date = TODAY) -> str:
    return remembered(text, PATH, tokens, today)


def test_a_rule_is_told_with_since_when_and_how_often_it_was_seen() -> None:
    assert told(rule(7)) == (
        "- When a call fails for reason 7, read the message before you try again."
        " (since 2026-11-21, seen 3 times)"
    )


def test_what_a_person_wrote_is_told_as_it_stands_without_comments() -> None:
    text = "# Notes\n\n- Ada likes tea. <!-- importance: 3 -->\n<!-- to be sorted -->\n* Bo: no.\n"

    assert told(text) == "# Notes\n\n- Ada likes tea.\n* Bo: no."


def test_a_line_that_has_expired_is_left_out_from_the_day_after() -> None:
    text = "- Ada is away. <!-- expires: 2026-11-20 -->\n- Bo is away. <!-- expires: 2026-11-21 -->"

    assert told(text) == "- Bo is away."
    assert told(text, today=TODAY + timedelta(days=1)) == ""


def test_an_expired_rule_is_left_out_too() -> None:
    assert told(rule(1, more=" <!-- expires: 2026-11-20 -->")) == ""


def test_a_memory_that_grew_to_100_kb_is_told_at_once_within_its_budget_and_says_so() -> None:
    hand_written = [f"- Ada's note {n}: she reads page {n} of the paper." for n in range(40)]
    rules = [rule(n, TODAY - timedelta(days=n)) for n in range(500)]
    text = "\n".join(["# Memory", *hand_written, "", "## Learned", "", *reversed(rules)]) + "\n"
    assert 100_000 < len(text) < 120_000

    begun = perf_counter()
    said = told(text)

    assert perf_counter() - begun < 1
    assert estimate_tokens(said) <= 4_000
    assert all(line in said for line in hand_written)
    assert "reason 0," in said
    assert "reason 499," not in said
    shown = [n for n in range(500) if f"reason {n}," in said]
    assert shown == list(range(len(shown))), "the rules that were seen last stay"
    assert f"[cut: {500 - len(shown)} of 544 lines" in said
    assert said.endswith(f"all of it: {PATH}]")


def test_one_endless_line_is_cut_and_says_so() -> None:
    said = told("灯" * 100_000, tokens=500)

    assert estimate_tokens(said) <= 500
    assert "灯" * 100 in said
    assert "[cut: " in said


@pytest.mark.parametrize("sign", ["<!--", "<!-- learned ", " ", "-", "`", "#", "<!-- a --> "])
def test_a_line_made_to_hold_up_a_reader_does_not(sign: str) -> None:
    begun = perf_counter()
    told("- " + sign * (200_000 // len(sign)) + "x")

    assert perf_counter() - begun < 2


def test_what_stands_between_two_comments_stays() -> None:
    assert told("- a <!-- b --> c <!-- d --> f <!-- g") == "- a c f <!-- g"


def test_what_strangers_words_may_be_in_is_not_told_and_its_place_is() -> None:
    text = "- a\n- b <!-- from outside: e.test -->\n  goes on\nand on\n- c\n"

    assert told(text) == f"- a\n{LEFT_OUT}\n- c"
    assert told(f"# Memory <!-- from outside: e.test -->\n\n{text}") == LEFT_OUT


lines = st.one_of(
    st.text(max_size=300),
    st.builds(rule, st.integers(0, 99), st.dates(date(2026, 1, 1), TODAY)),
    st.builds("- {} <!-- trigger: a -->".format, st.text(max_size=80)),
)


@settings(deadline=None)
@given(st.lists(lines, max_size=30).map("\n".join), st.integers(60, 2_000), st.integers(0, 400))
def test_any_memory_stays_within_its_budget(text: str, tokens: int, days: int) -> None:
    today = TODAY + timedelta(days=days)

    said = told(text, tokens, today)

    assert estimate_tokens(said) <= tokens + 10
    assert said == told(text, tokens, today)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="ascii"), max_size=80), max_size=30))
def test_what_fits_is_told_whole(text: list[str]) -> None:
    plain = "\n".join(line.replace("<", "(") for line in text).strip()

    assert told(plain, 100_000).split() == plain.split()
