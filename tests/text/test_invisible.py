"""Characters that nobody sees."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.invisible import visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("tag" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), "tag"),
        ("x\U000e0101\ufe00", "x"),
        ("a\u200db\u200cc", "abc"),
        ("\u200d\u200d\u200c\u200d", ""),
        ("bell\x07 null\x00 esc\x1b[31m", "bell null esc[31m"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is part of the word
        ("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"),  # and of the sign
        ("日本 עברית é", "日本 עברית é"),
    ],
)
def test_what_is_unseen_goes_and_what_is_seen_stays(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(st.text())
def test_it_is_done_in_one_pass(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs"])))
def test_text_of_nothing_but_controls_leaves_nothing_to_read(text: str) -> None:
    left = visible(text)

    assert all(character in "\t\n" or unicodedata.category(character) == "Cf" for character in left)
    assert not any(0xE0000 <= ord(character) <= 0xE0FFF for character in left)
