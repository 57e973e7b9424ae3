"""Halves of surrogate pairs."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from harness.text.surrogates import whole, whole_json

ANY = st.text(st.characters(), max_size=20)  # halves of surrogate pairs among them


@given(ANY)
def test_every_text_becomes_utf8_and_one_that_is_stays_as_it_is(text: str) -> None:
    made = whole(text)

    made.encode()
    assert whole(made) == made
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert made == text


def test_two_halves_that_belong_together_are_one_sign() -> None:
    assert whole("a \ud83d\ude00 b \ude00") == "a \U0001f600 b \ufffd"


@given(st.recursive(ANY | st.integers(), lambda inner: st.dictionaries(ANY, inner)))
def test_data_of_any_depth_becomes_utf8(value: object) -> None:
    json.dumps(whole_json(value), ensure_ascii=False).encode()
