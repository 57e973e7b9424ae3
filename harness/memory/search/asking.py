"""Whether words ask, whether they ask when, and whether they say when."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.memory.search.days import MONTHS, SEASONS, WEEKDAYS
from harness.memory.search.porter import stem

_WHEN = re.compile(
    r"\b(?:when|how (?:long|recently|often)|(?:what|which) (?:year|month|week|day|date|time))\b",
    re.IGNORECASE,
)
_TIMES = frozenset(
    stem(word)
    for word in (
        *(*MONTHS, *WEEKDAYS, *SEASONS, *(str(year) for year in range(1900, 2100))),
        *("yesterday", "today", "tonight", "tomorrow", "ago", "last", "next", "since", "recently"),
        *("weekend", "week", "month", "year", "morning"),
    )
)
_ENDS = " \t\"'*_)]”’»"  # what may stand behind the mark of a question


def asks(text: str) -> bool:
    """Whether a text ends as a question."""
    return text.rstrip(_ENDS).endswith(("?", "\uff1f", "\u061f"))


def asks_when(query: str) -> bool:
    return bool(_WHEN.search(query))


def says_when(terms: Iterable[str]) -> bool:
    """Whether terms name a time, as far as English words show it."""
    return not _TIMES.isdisjoint(terms)
