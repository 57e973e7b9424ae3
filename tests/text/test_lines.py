"""Lines as editors count them."""

from __future__ import annotations

import pytest

from harness.text.lines import bare_lines, end_of, lines_of


def test_only_feeds_and_returns_end_a_line() -> None:
    text = "a\u2028b\x0cc\x85d\r\ne\rf\ng"

    assert bare_lines(text) == ["a\u2028b\x0cc\x85d", "e", "f", "g"]
    assert "".join(lines_of(text)) == text


@pytest.mark.parametrize(
    ("text", "place"), [("", (0, 0)), ("ab", (0, 2)), ("ab\n", (1, 0)), ("ab\r\nc", (1, 1))]
)
def test_the_end_of_a_text_is_the_place_of_what_follows(text: str, place: tuple[int, int]) -> None:
    assert end_of(text) == place
