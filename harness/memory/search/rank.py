"""The second stage of a search: the candidates scored by all that is known of them.

Each signal is standardised over the candidates (minus its mean, by its deviation), so that the
weights mean the same in a small memory and in a large one; the sum decides (docs/search.md).
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from harness.config.settings import HalfLife
from harness.memory.notes.strength import strength_on
from harness.memory.search.candidates import WINDOW, Found, inverse
from harness.memory.search.days import Span
from harness.memory.search.scope import Scope
from harness.memory.search.store import SHIFT, day

K1 = 1.2  # how soon more of a term adds nothing (BM25)
B, B_FILE = 0.5, 0.75  # how much length counts (BM25)
SPELT = 60  # candidates that are compared by pieces of words
SLIGHT = 0.2  # share of the mean
BEFORE, AFTER = 1, 10  # days around a named one in which it is told of
HALF_LIFE = HalfLife().notes
AROUND = range(-WINDOW, WINDOW + 1)


@dataclass(frozen=True)
class Weights:
    """What each signal counts for, in deviations."""

    near: float = 1.0  # terms in the unit and its neighbours
    own: float = 0.4  # terms in the unit itself
    grams: float = 0.4  # pieces of words in the unit, and a share of those beside it
    file: float = 0.5  # terms in the whole file
    size: float = 0.2  # the longer tells the more
    meaning: float = 0.7  # a vector near that of the question: chosen, and not measured
    speaker: float = 2.0  # begins with the one name that is asked about
    date: float = 4.0  # on a day that is asked about
    later: float = 3.0  # soon after one, or on the day before
    timed: float = 1.0  # names a time, when the question is when
    asks: float = -1.5  # is a question itself
    answers: float = 0.6  # follows a question
    fresh: float = 0.3  # the strength of a dated note, which fades (notes/strength.py)
    before: float = 0.6  # share of the unit before, of grams
    after: float = 0.4  # and of the one after


class Row(NamedTuple):
    """A unit as it is stored, as far as the score needs it."""

    terms: str  # with a blank before and after each
    size: int
    asks: bool
    timed: bool
    speaker: str
    date: str | None
    expires: str | None


@dataclass(frozen=True)
class Asked:
    """A question, taken apart."""

    counts: Mapping[str, int]  # its terms
    named: frozenset[str]  # speakers
    spans: Sequence[Span]
    when: bool  # it asks for a time
    today: date


def ranked(
    db: sqlite3.Connection,
    found: Found,
    asked: Asked,
    scope: Scope,
    weights: Weights,
    nearness: Callable[[Sequence[int]], Sequence[float]],
) -> list[tuple[int, float]]:
    """The candidates with their scores, best first; what has expired comes last.

    `nearness`: how near each of some units is to the question by its meaning; empty: unknown.
    """
    rows = rows_of(db, {unit + step for unit in found.units for step in AROUND})
    units = [unit for unit in found.units if unit in rows]
    signals = (
        (weights.near, near(units, rows, found, scope)),
        (weights.own, own(units, rows, found, scope)),
        (weights.file, files(units, found, scope)),
        (weights.size, [math.log1p(rows[unit].size) for unit in units]),
        (weights.meaning, nearness(units)),
    )
    total = [
        bonus(unit, rows, asked, weights) + weights.fresh * strength(unit, rows[unit], asked, scope)
        for unit in units
    ]
    for weight, values in signals:
        for at, value in enumerate(standardised(values)):
            total[at] += weight * value
    best = heapq.nlargest(SPELT, range(len(units)), key=total.__getitem__)
    spelt = grams([units[at] for at in best], rows, asked.counts, weights)
    for at, value in zip(best, standardised(spelt), strict=True):
        total[at] += weights.grams * value
    today = asked.today.isoformat()
    over = {unit: (rows[unit].expires or today) < today for unit in units}
    scored = zip(units, total, strict=True)
    return sorted(scored, key=lambda pair: (over[pair[0]], -pair[1], pair[0]))


def rows_of(db: sqlite3.Connection, units: Iterable[int]) -> dict[int, Row]:
    listed = ",".join(map(str, sorted(units)))
    rows = db.execute(
        "SELECT id, terms, size, asks, timed, speaker, date, expires FROM units"
        f" WHERE id IN ({listed})"
    )
    return {unit: Row._make(rest) for unit, *rest in rows}


def near(units: Sequence[int], rows: Mapping[int, Row], found: Found, scope: Scope) -> list[float]:
    """BM25 of each unit with its neighbours."""
    lengths = {unit: row.terms.count(" ") - 1 for unit, row in rows.items()}
    usual = len(AROUND) * scope.unit_length
    norms = [
        K1 * (1 - B + B * sum(lengths.get(unit + step, 0) for step in AROUND) / usual)
        for unit in units
    ]
    scores = [0.0] * len(units)
    for term in found.terms:
        weight = term.count * inverse(scope.units, term.near) * (K1 + 1)
        needle = f" {term.text} "
        having = {
            unit: row.terms.count(needle) for unit, row in rows.items() if needle in row.terms
        }
        reached = {unit + step for unit in having for step in AROUND}
        for at, unit in enumerate(units):
            if unit in reached:
                times = sum([having.get(unit + step, 0) for step in AROUND])
                scores[at] += weight * times / (times + norms[at])
    return scores


def own(units: Sequence[int], rows: Mapping[int, Row], found: Found, scope: Scope) -> list[float]:
    """BM25 of each unit alone."""
    wanted = [
        (f" {term.text} ", term.count * inverse(scope.units, term.units) * (K1 + 1))
        for term in found.terms
    ]
    scores = []
    for unit in units:
        terms = rows[unit].terms
        norm = K1 * (1 - B + B * (terms.count(" ") - 1) / scope.unit_length)
        score = 0.0
        for needle, weight in wanted:
            if needle in terms:
                times = terms.count(needle)
                score += weight * times / (times + norm)
        scores.append(score)
    return scores


def grams(
    units: Sequence[int], rows: Mapping[int, Row], counts: Mapping[str, int], weights: Weights
) -> list[float]:
    """The same for pieces of words, with a share of what the units beside it have."""
    wanted = pieces_of(counts)
    beside = {unit + step for unit in units for step in (-1, 0, 1)} & rows.keys()
    having = {unit: [piece for piece in wanted if piece in rows[unit].terms] for unit in beside}
    total: dict[str, int] = dict.fromkeys(wanted, 0)
    for pieces in having.values():
        for piece in pieces:
            total[piece] += 1
    tells = {piece: wanted[piece] * inverse(len(beside), total[piece]) for piece in wanted}
    lengths = {unit: len(rows[unit].terms) for unit in beside}
    usual = sum(lengths.values()) / max(1, len(beside))
    alone = {
        unit: sum([tells[piece] for piece in having[unit]])
        / (1 + K1 * (1 - B + B * lengths[unit] / usual))
        for unit in beside
    }
    return [
        alone[unit]
        + weights.before * alone.get(unit - 1, 0.0)
        + weights.after * alone.get(unit + 1, 0.0)
        for unit in units
    ]


def pieces_of(counts: Mapping[str, int]) -> dict[str, int]:
    """The pieces of four characters of the terms, each with its blanks around it."""
    pieces: dict[str, int] = {}
    for term, count in counts.items():
        framed = f" {term} "
        for at in range(max(1, len(framed) - 3)):
            piece = framed[at : at + 4]
            pieces[piece] = pieces.get(piece, 0) + count
    return pieces


def files(units: Sequence[int], found: Found, scope: Scope) -> list[float]:
    """BM25 of the whole file of each unit, of the terms that were walked through."""
    scores = {unit >> SHIFT: 0.0 for unit in units}
    norms = {
        file: K1 * (1 - B_FILE + B_FILE * scope.files[file] / scope.file_length) for file in scores
    }
    for term in found.terms:
        times: dict[int, int] = {}
        for unit in found.places.get(term.text, ()):
            file = unit >> SHIFT
            times[file] = times.get(file, 0) + 1
        weight = term.count * inverse(len(scope.files), len(times)) * (K1 + 1)
        for file in times.keys() & scores.keys():
            scores[file] += weight * times[file] / (times[file] + norms[file])
    return [scores[unit >> SHIFT] for unit in units]


def standardised(values: Sequence[float]) -> list[float]:
    """The values minus their mean, by their deviation; one that is small beside the mean is no
    difference to speak of, and is not made one."""
    if not values:
        return []
    mean = sum(values) / len(values)
    deviation = (sum([(value - mean) ** 2 for value in values]) / len(values)) ** 0.5
    unit = max(deviation, SLIGHT * mean)
    return [(value - mean) / unit if unit > 1e-9 else 0.0 for value in values]


def bonus(unit: int, rows: Mapping[int, Row], asked: Asked, weights: Weights) -> float:
    """What counts for a unit as it stands, whatever the others have."""
    row = rows[unit]
    gained = 0.0
    if len(asked.named) == 1 and row.speaker in asked.named:
        gained += weights.speaker
    if asked.spans and row.date:
        on = day(row.date)
        if on and any(span.holds(on) for span in asked.spans):
            gained += weights.date
        elif on and any(span.holds(on, BEFORE, AFTER) for span in asked.spans):
            gained += weights.later
    if asked.when and row.timed:
        gained += weights.timed
    if row.asks:
        gained += weights.asks
    if unit - 1 in rows and rows[unit - 1].asks:
        gained += weights.answers
    return gained


def strength(unit: int, row: Row, asked: Asked, scope: Scope) -> float:
    """How much a note still holds by its age; 1 for what does not fade."""
    if unit >> SHIFT not in scope.fading:
        return 1.0
    return strength_on(asked.today, day(row.date), HALF_LIFE)
