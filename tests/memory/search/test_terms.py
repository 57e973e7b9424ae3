"""Under which terms a text is found."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.memory.search.porter import stem
from harness.memory.search.terms import LONGEST_TERM, terms_of

ENDS = (
    "ll tt ss at iz sses ies eed ed ing ational ization iveness biliti icate ful ness ement ion"
    " sion able ent ous er ly alism ogi entli"
)
PIECES = st.sampled_from([*"aeiouybcdfglmnprst", *ENDS.split()])
WORDS = st.lists(PIECES, min_size=2, max_size=5).map("".join)


@settings(deadline=None)
@given(st.lists(WORDS.filter(lambda word: word[0] != "y"), min_size=1, max_size=30))
def test_stems_are_those_of_the_database(words: list[str]) -> None:
    plain = [word for word in words if 3 < len(word) <= 30]
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE t USING fts5 (word, tokenize = 'porter ascii')")
    db.executemany("INSERT INTO t (rowid, word) VALUES (?, ?)", enumerate(plain))
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)")

    theirs = dict(db.execute("SELECT doc, term FROM v").fetchall())
    db.close()

    assert {at: stem(word) for at, word in enumerate(plain)} == theirs


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The meetings were planned", ["meet", "plan"]),
        ("gpt-4.1", ["gpt41", "gpt", "4", "1"]),
        ("on 2026-11-16", ["20261116"]),
        ("Anna's O'Reilly books", ["anna", "oreilly", "o", "reilli", "book"]),
        ("BILLBOARD_BUY_AMT", ["billboard", "bui", "amt"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("don't you", []),
        ("a\n```\ncode\n```\nb", ["b"]),
        ('😀 \0 " * ( NEAR', ["near"]),
    ],
)
def test_a_text_has_the_stems_of_its_words(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


@settings(deadline=None)
@given(st.text())
def test_a_term_has_no_blank_and_is_not_long(text: str) -> None:
    assert all(term.split() == [term] and len(term) <= LONGEST_TERM for term in terms_of(text))
