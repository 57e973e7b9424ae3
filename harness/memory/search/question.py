"""A question taken apart: its terms, the speakers and days it names, whether it asks when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from harness.errors import UsageError
from harness.memory.search.asking import asks_when
from harness.memory.search.days import spans_in
from harness.memory.search.names import everywhere, named_in
from harness.memory.search.rank import Asked
from harness.memory.search.scope import Scope
from harness.memory.search.terms import terms_of

LONGEST = 10_000  # characters that are looked at


def asked(query: str, scope: Scope, today: date) -> Asked:
    """What a query asks of a scope. Raises UsageError when it has no word."""
    text = query[:LONGEST]
    named = named_in(text, scope.speakers)
    spans = spans_in(text, scope.years, today)
    terms = without(terms_of(text), everywhere(named, scope.speakers, scope.units))
    if not terms and not spans and not named:
        raise UsageError(
            "the query has no word to look for", hint="give words that the text may have"
        )
    return Asked(Counter(terms), named, spans, asks_when(text), today)


def without(terms: list[str], names: Iterable[str]) -> list[str]:
    """The terms without those of the names, unless nothing else is left."""
    told = {term for name in names for term in terms_of(name)}
    return [term for term in terms if term not in told] or terms
