"""Thoughts are kept out of the answer, whole or in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.thinking import Speech, without_thinking


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("plain", "plain"),
        ("<think>a</think>\nb", "b"),
        ("the template wrote the mark</think>b", "b"),
        ("<think>cut at the limit", ""),
        ("<think>a</think><think>b</think>c", "c"),
        ("a <think>b</think> c", "a  c"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_thinking_is_taken_out(text: str, spoken: str) -> None:
    assert without_thinking(text) == spoken


@given(st.text(alphabet="<>/think ab\n", max_size=40), st.integers(min_value=1, max_value=5))
def test_what_streams_is_the_text_without_its_opening_thought(text: str, size: int) -> None:
    heard: list[str] = []
    speech = Speech(heard.append)
    for at in range(0, len(text), size):
        speech.add(text[at : at + size])

    if "think>" not in text:
        assert "".join(heard).strip() == speech.text or "<think>".startswith(text.strip())
    assert not "".join(heard).startswith("<think>")


def test_a_thought_in_pieces_is_held_back() -> None:
    heard: list[str] = []
    speech = Speech(heard.append)

    for piece in ["<th", "ink>one</th", "ink><think>two</think>", "\n", "Four", "."]:
        speech.add(piece)

    assert heard == ["Four", "."]
