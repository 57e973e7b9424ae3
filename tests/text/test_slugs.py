"""Titles of any alphabet become parts of file names that every file system takes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.slugs import slug


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Morning digest.", "morning-digest"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\0b\n\tc", "a-b-c"),
        ("C:\\temp: what?*", "c-temp-what"),
        ("Übergröße – für Öl", "übergröße-für-öl"),
        ("今日のニュース", "今日のニュース"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("🚀🚀", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_title_becomes_a_name(title: str, expected: str) -> None:
    assert slug(title) == expected


@given(st.text())
def test_a_slug_is_short_plain_and_stays_itself(title: str) -> None:
    made = slug(title, limit=20, size=30)

    assert len(made) <= 20
    assert len(made.encode()) <= 30
    assert all(c == "-" or unicodedata.category(c)[0] in "LMN" for c in made)
    assert "--" not in made
    assert made == made.strip("-")
    assert slug(made, limit=20, size=30) == made
