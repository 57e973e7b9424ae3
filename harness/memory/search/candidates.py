"""The first stage of a search: the few hundred units that are worth a closer look.

The rarest terms of the question are walked through first, until a set number of places was
seen: a term that stands in every third unit costs much and tells nothing. A unit counts for the
terms of its neighbours as well.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.memory.search.days import Span
from harness.memory.search.scope import Scope

WINDOW = 2  # neighbours on each side
MOST_TERMS = 48  # of a question, the rarest
WALKED = 6_000  # places of terms
MOST = 400  # candidates
DATED = 200  # of them for their date alone
SELF = 0.3  # what a term in the unit itself adds, against its weight in the neighbourhood


@dataclass(frozen=True)
class Term:
    """One term of a question."""

    text: str
    count: int  # in the question
    units: float  # that have it, as far as the search sees
    near: float  # that have it or stand beside one that has


@dataclass(frozen=True)
class Found:
    """What the second stage begins with."""

    units: list[int]
    terms: list[Term]
    places: dict[str, list[int]]  # of the terms that were walked through


def find(
    db: sqlite3.Connection, counts: dict[str, int], spans: Sequence[Span], scope: Scope
) -> Found:
    """`counts`: the terms of the question and how often it says them."""
    known = sorted((frequency(db, term), term) for term in list(counts)[: 4 * MOST_TERMS])
    known = [(units, term) for units, term in known if units][:MOST_TERMS]
    scores: dict[int, float] = {}
    terms: list[Term] = []
    places: dict[str, list[int]] = {}
    left = WALKED
    for units, term in known:
        if units <= left or not places:
            walked = walk(db, term, scope, left)
            left -= units
            places[term] = walked
            near = surroundings(walked)
            told = Term(term, counts[term], len(walked), len(near))
            gain(scores, near, walked, inverse(scope.units, told.near))
        else:
            told = guessed(term, counts[term], units, scope)
        terms.append(told)
    best = heapq.nlargest(MOST, scores, key=scores.__getitem__)
    dated = of_days(db, spans, scope)
    return Found(list(dict.fromkeys([*best, *dated])), terms, places)


def frequency(db: sqlite3.Connection, term: str) -> int:
    row = db.execute("SELECT doc FROM frequency WHERE term = ?", (term,)).fetchone()
    return int(row[0]) if row else 0


def walk(db: sqlite3.Connection, term: str, scope: Scope, most: int) -> list[int]:
    """Where a term stands, the newest files first when it is more than is looked at."""
    rows = db.execute(
        "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?",
        (f'"{term}"', most),
    )
    return [unit for (unit,) in rows if unit in scope]


def surroundings(units: Iterable[int]) -> set[int]:
    near: set[int] = set()
    for unit in units:
        near.update(range(unit - WINDOW, unit + WINDOW + 1))
    return near


def gain(scores: dict[int, float], near: set[int], walked: list[int], weight: float) -> None:
    for unit in near:
        scores[unit] = scores.get(unit, 0.0) + weight
    for unit in walked:
        scores[unit] += SELF * weight


def guessed(term: str, count: int, units: int, scope: Scope) -> Term:
    """A term that was not walked through: its places in the scope from those in the whole."""
    seen = units * scope.units / max(1, scope.all_units)
    near = scope.units * (1 - (1 - min(1.0, seen / max(1, scope.units))) ** (2 * WINDOW + 1))
    return Term(term, count, seen, near)


def inverse(total: float, having: float) -> float:
    """How much a term tells that `having` of `total` have (BM25's idf, never negative)."""
    return math.log(1 + (max(total, having) - having + 0.5) / (having + 0.5))


def of_days(db: sqlite3.Connection, spans: Sequence[Span], scope: Scope) -> list[int]:
    """Units of the days that the question names, an even share of each."""
    found: list[int] = []
    for span in spans[:8]:
        rows = db.execute(
            "SELECT id FROM units WHERE date BETWEEN ? AND ? LIMIT ?",
            (span.first.isoformat(), span.last.isoformat(), 10 * DATED),
        )
        mine = [unit for (unit,) in rows if unit in scope]
        found += mine[: DATED // min(8, len(spans))]
    return found
