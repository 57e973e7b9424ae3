"""Text cut to a number of tokens."""

from __future__ import annotations

from harness.text.tokens import CHARS_PER_TOKEN, estimate_tokens
from harness.text.words import clip


def within(text: str, tokens: int) -> str:
    """The text cut to so many tokens; where each sign is one, to so many signs."""
    if estimate_tokens(text) <= tokens:
        return text
    cut = clip(text, int(tokens * CHARS_PER_TOKEN))
    return cut if estimate_tokens(cut) <= tokens else clip(text, tokens)
