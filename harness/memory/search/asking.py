"""Whether words ask, whether they ask when, and whether they say when."""

from __future__ import annotations

import re

from harness.memory.search.days import MONTHS, SEASONS, WEEKDAYS

_WHEN = re.compile(
    r"\b(?:when|how (?:long|recently|often)|(?:what|which) (?:year|month|week|day|date|time))\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|since|recently|weekend|week|month|year"
    rf"|morning|{'|'.join((*MONTHS, *WEEKDAYS, *SEASONS))}|(?:19|20)\d\d)s?\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"[?？؟]\W*$")


def asks(text: str) -> bool:
    """Whether a text ends as a question."""
    return bool(_MARK.search(text[-20:]))


def asks_when(query: str) -> bool:
    return bool(_WHEN.search(query))


def says_when(text: str) -> bool:
    """Whether a text names a time, as far as English words show it."""
    return bool(_TIME.search(text))
