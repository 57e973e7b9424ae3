"""The first stage of a search: the few hundred units that are worth a closer look.

The rarest terms of the question are walked through first, until a set number of places was
seen: a term that stands in every third unit costs much and tells nothing. A unit counts for the
terms of its neighbours as well.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.memory.search.days import Span
from harness.memory.search.scope import Scope

WINDOW = 2  # neighbours on each side
MOST_TERMS = 24  # of a question, the rarest
WALKED = 1_200  # places of terms
TOGETHER = 100  # places of the two rarest terms, when even these stand in too many
HEADS = 80  # units whose neighbourhood is looked at
MOST = 100  # candidates
ROOT = 5  # signs by which words are akin
MOST_RELATIVES = 12
AKIN = 0.3  # what a word akin to that of the question counts for
DATED = 100  # more of them, for their date alone
MOST_DAYS = 8  # spans of a question


@dataclass(frozen=True)
class Term:
    """One term of a question."""

    text: str
    count: int  # in the question
    units: float  # that have it, as far as the search sees
    near: float  # that have it, or stand beside one that has, as far as the search sees


@dataclass
class Walk:
    """What is found on the way through the places of the terms."""

    left: float = WALKED
    terms: list[Term] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What the second stage begins with."""

    units: list[int]
    terms: list[Term]
    places: Mapping[str, Sequence[int]]  # of the terms that were walked through


def find(
    db: sqlite3.Connection, counts: Mapping[str, int], spans: Sequence[Span], scope: Scope
) -> Found:
    """`counts`: the terms of the question and how often it says them."""
    known = rarest(db, counts, scope)
    walk = Walk()
    for units, term in known:
        if units <= walk.left or not walk.places:
            step(db, term, counts[term], units, scope, walk)
        else:
            walk.terms.append(Term(term, counts[term], units, nearby(units, scope)))
    if known and known[0][0] > WALKED:
        together(db, [term for _, term in known[:2]], scope, walk)
    if len(walk.scores) < MOST:
        relatives(db, counts, scope, walk)
    best = [unit for unit in neighbourhoods(walk.scores) if unit not in scope.barred]
    return Found([*dict.fromkeys([*best, *of_days(db, spans, scope)])], walk.terms, walk.places)


def rarest(
    db: sqlite3.Connection, counts: Mapping[str, int], scope: Scope
) -> list[tuple[float, str]]:
    """The rarest terms that are known at all, each with about how many units of the scope."""
    asked = list(counts)[: 20 * MOST_TERMS]
    marks = ",".join("?" * len(asked))
    rows = db.execute(f"SELECT units, term FROM frequency WHERE term IN ({marks})", asked)
    return sorted((units * scope.share, term) for units, term in rows if units > 0)[:MOST_TERMS]


def step(
    db: sqlite3.Connection, term: str, count: int, units: float, scope: Scope, walk: Walk
) -> None:
    places = places_of(db, f'"{term}"', scope, int(walk.left))
    cut = len(places) >= int(walk.left)
    seen = units if cut else len(places)
    told = Term(term, count, seen, nearby(seen, scope))
    weight = count * inverse(scope.units, told.near)
    scores = walk.scores
    for unit in places:
        scores[unit] = scores.get(unit, 0.0) + weight
    walk.left -= len(places)
    walk.terms.append(told)
    walk.places[term] = places


def together(db: sqlite3.Connection, terms: Sequence[str], scope: Scope, walk: Walk) -> None:
    """Units that have the two rarest terms, where each of them stands in too many."""
    expression = " AND ".join(f'"{term}"' for term in terms)
    best = max(walk.scores.values(), default=1.0)
    for unit in places_of(db, expression, scope, TOGETHER):
        walk.scores[unit] = walk.scores.get(unit, 0.0) + best


def relatives(db: sqlite3.Connection, counts: Mapping[str, int], scope: Scope, walk: Walk) -> None:
    """Units with words that begin as those of the question do, where those bring too little."""
    for term in [term for term in counts if len(term) >= ROOT][:MOST_TERMS]:
        rows = db.execute(
            "SELECT term, units FROM frequency WHERE term > ? AND term < ? AND units > 0 LIMIT ?",
            (term[:ROOT], f"{term[:ROOT]}\U0010ffff", MOST_RELATIVES),
        ).fetchall()
        for relative, units in rows:
            weight = AKIN * inverse(scope.units, nearby(units * scope.share, scope))
            for unit in places_of(db, f'"{relative}"', scope, MOST):
                walk.scores[unit] = walk.scores.get(unit, 0.0) + weight


def places_of(db: sqlite3.Connection, expression: str, scope: Scope, most: int) -> list[int]:
    """Where a term stands, the newest files first when it is more than is looked at."""
    found: list[int] = []
    for first, end in scope.spans:
        rows = db.execute(
            "SELECT rowid FROM words WHERE words MATCH ? AND rowid >= ? AND rowid < ?"
            " ORDER BY rowid DESC LIMIT ?",
            (expression, first, end, most - len(found) + len(scope.barred)),
        )
        found += [unit for (unit,) in rows if unit in scope][: most - len(found)]
    return found


def neighbourhoods(scores: Mapping[int, float]) -> list[int]:
    """The best units by what they and their neighbours have, best first."""
    heads = heapq.nlargest(HEADS, scores, key=scores.__getitem__)
    pool = {unit + step for unit in heads for step in range(-WINDOW, WINDOW + 1)}
    known = scores.get
    wide = {
        unit: known(unit - 2, 0.0)
        + known(unit - 1, 0.0)
        + 1.3 * known(unit, 0.0)
        + known(unit + 1, 0.0)
        + known(unit + 2, 0.0)
        for unit in pool
    }
    return heapq.nlargest(MOST, wide, key=wide.__getitem__)


def nearby(units: float, scope: Scope) -> float:
    """In how many neighbourhoods a term stands that is in so many units, were they anywhere."""
    missing = 1 - min(1.0, units / max(1, scope.units))
    return scope.units * (1 - missing ** (2 * WINDOW + 1))


def inverse(total: float, having: float) -> float:
    """How much a term tells that `having` of `total` have (BM25's idf, never negative)."""
    return math.log(1 + (max(total, having) - having + 0.5) / (having + 0.5))


def of_days(db: sqlite3.Connection, spans: Sequence[Span], scope: Scope) -> Iterable[int]:
    """Units of the days that the question names, an even share of each span."""
    named = spans[:MOST_DAYS]
    for span in named:
        rows = db.execute(
            "SELECT id FROM units WHERE date BETWEEN ? AND ? LIMIT ?",
            (span.first.isoformat(), span.last.isoformat(), 10 * DATED),
        )
        mine = [unit for (unit,) in rows if unit in scope]
        yield from mine[: DATED // len(named)]
