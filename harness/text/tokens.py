"""How many tokens a text is, as a guess: no model counts alike."""

from __future__ import annotations

import re

CHARS_PER_TOKEN = 3.6  # of Latin text
_WIDE = re.compile("[\u2e80-\U0010ffff]")


def estimate_tokens(text: str) -> int:
    """A guess before the call: one token for 3.6 characters of Latin text, or one of CJK."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return wide + round((len(text) - wide) / CHARS_PER_TOKEN)
