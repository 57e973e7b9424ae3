from __future__ import annotations

import pytest

from harness.memory.terms import is_strict, key_terms, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("field", "fields"),
        ("query", "queries"),
        ("call", "calling"),
        ("use", "using"),
        ("use", "used"),
        ("run", "running"),
        ("retry", "retried"),
        ("table", "tables"),
        ("address", "addresses"),
        ("id", "ids"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("status", "state"), ("ring", "r"), ("bus", "bu")])
def test_other_words_have_other_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_a_name_with_underscores_is_one_term() -> None:
    assert key_terms("the fields BUY_AMT and SELL_AMT") == {"field", "buy_amt", "sell_amt"}


@pytest.mark.parametrize("token", ["BUY_AMT", "1.5", "webFetch", "a/b.md", "v2", "gpt-4"])
def test_names_and_numbers_have_one_spelling(token: str) -> None:
    assert is_strict(token)


@pytest.mark.parametrize("token", ["field", "Field", "well-known", "it's"])
def test_common_words_do_not(token: str) -> None:
    assert not is_strict(token)
