"""The second stage of a search: the candidates scored by all that is known of them.

Each signal is standardised over the candidates (minus its mean, by its deviation), so that the
weights mean the same in a small memory and in a large one; the sum decides (docs/search.md).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from harness.memory.search.candidates import WINDOW, Found, inverse
from harness.memory.search.days import Span
from harness.memory.search.scope import Scope
from harness.memory.search.store import SHIFT, day

K1 = 1.2
GRAM = 4  # characters of a piece of a word
BEFORE, AFTER = 1, 10  # days around a named one in which it is told of


@dataclass(frozen=True)
class Weights:
    """What each signal counts for."""

    near: float = 1.33  # BM25 of the unit with its neighbours
    own: float = 0.0  # BM25 of the unit alone
    grams: float = 0.5  # BM25 of pieces of words, with a share of the neighbours'
    file: float = 0.33  # BM25 of the whole file
    speaker: float = 2.0  # begins with the name that is asked about
    date: float = 4.0  # on a day that is asked about, or soon after
    before: float = 0.6  # share of the one before, of grams
    after: float = 0.4  # and of the one after


@dataclass(frozen=True)
class Row:
    """A unit as it is stored, as far as the score needs it."""

    terms: list[str]
    speaker: str
    date: date | None


@dataclass(frozen=True)
class Asked:
    """A question, taken apart."""

    grams: Counter[str]
    named: frozenset[str]
    spans: Sequence[Span]


def ranked(
    db: sqlite3.Connection, found: Found, asked: Asked, scope: Scope, weights: Weights
) -> list[tuple[float, int]]:
    """The candidates with their scores, best first."""
    rows = rows_of(db, surrounding(found.units))
    units = [unit for unit in found.units if unit in rows]
    signals = {
        "near": near(units, rows, found, scope),
        "own": own(units, rows, found, scope) if weights.own else [],
        "grams": grams(units, rows, asked.grams, weights),
        "file": files(units, found, scope),
    }
    total = [0.0] * len(units)
    for name, values in signals.items():
        weight = getattr(weights, name)
        for at, value in enumerate(standardised(values)):
            total[at] += weight * value
    for at, unit in enumerate(units):
        total[at] += bonus(rows[unit], asked, weights)
    return sorted(zip(total, units, strict=True), key=lambda pair: (-pair[0], pair[1]))


def surrounding(units: Iterable[int]) -> list[int]:
    near = {unit + step for unit in units for step in range(-WINDOW, WINDOW + 1)}
    return sorted(near)


def rows_of(db: sqlite3.Connection, units: Sequence[int]) -> dict[int, Row]:
    listed = ",".join(map(str, units))
    rows = db.execute(f"SELECT id, terms, speaker, date FROM units WHERE id IN ({listed})")
    return {unit: Row(terms.split(), who, day(on)) for unit, terms, who, on in rows}


def near(units: Sequence[int], rows: Mapping[int, Row], found: Found, scope: Scope) -> list[float]:
    wanted = {term.text: term.count * inverse(scope.units, term.near) for term in found.terms}
    counts = {unit: told(row, wanted) for unit, row in rows.items()}
    usual = (2 * WINDOW + 1) * scope.unit_length
    scores = []
    for unit in units:
        around = [at for at in range(unit - WINDOW, unit + WINDOW + 1) if at in rows]
        length = sum(len(rows[at].terms) for at in around)
        times: dict[str, int] = {}
        for at in around:
            for term, count in counts[at].items():
                times[term] = times.get(term, 0) + count
        scores.append(bm25(times, wanted, length, usual, 0.5))
    return scores


def own(units: Sequence[int], rows: Mapping[int, Row], found: Found, scope: Scope) -> list[float]:
    wanted = {term.text: term.count * inverse(scope.units, term.units) for term in found.terms}
    usual = scope.unit_length
    return [
        bm25(told(rows[unit], wanted), wanted, len(rows[unit].terms), usual, 0.5) for unit in units
    ]


def told(row: Row, wanted: Mapping[str, float]) -> dict[str, int]:
    times: dict[str, int] = {}
    for term in row.terms:
        if term in wanted:
            times[term] = times.get(term, 0) + 1
    return times


def bm25(
    times: Mapping[str, int], wanted: Mapping[str, float], length: float, usual: float, b: float
) -> float:
    norm = K1 * (1 - b + b * length / max(1.0, usual))
    return sum(wanted[term] * n * (K1 + 1) / (n + norm) for term, n in times.items())


def grams(
    units: Sequence[int], rows: Mapping[int, Row], wanted: Counter[str], weights: Weights
) -> list[float]:
    cache: dict[str, list[str]] = {}
    having: Counter[str] = Counter()
    times: dict[int, Counter[str]] = {}
    sizes: dict[int, int] = {}
    for unit, row in rows.items():
        count: Counter[str] = Counter()
        size = 0
        for term in row.terms:
            size += max(1, len(term) - 1)
            if term not in cache:
                cache[term] = [piece for piece in pieces_of(term) if piece in wanted]
            count.update(cache[term])
        times[unit], sizes[unit] = count, size
        having.update(count.keys())
    usual = sum(sizes.values()) / max(1, len(sizes))
    idf = {piece: wanted[piece] * inverse(len(rows), having[piece]) for piece in wanted}
    alone = {unit: bm25(times[unit], idf, sizes[unit], usual, 0.5) for unit in rows}
    return [
        alone[unit]
        + weights.before * alone.get(unit - 1, 0.0)
        + weights.after * alone.get(unit + 1, 0.0)
        for unit in units
    ]


def pieces_of(word: str) -> list[str]:
    framed = f"_{word}_"
    return [framed[at : at + GRAM] for at in range(max(1, len(framed) - GRAM + 1))]


def files(units: Sequence[int], found: Found, scope: Scope) -> list[float]:
    times: dict[int, dict[str, int]] = {}
    having: dict[str, int] = {}
    for term, places in found.places.items():
        for unit in places:
            of_file = times.setdefault(unit >> SHIFT, {})
            having[term] = having.get(term, 0) + (term not in of_file)
            of_file[term] = of_file.get(term, 0) + 1
    total, usual = len(scope.files), scope.file_length
    count = {term.text: term.count for term in found.terms}
    wanted = {term: count[term] * inverse(total, n) for term, n in having.items()}
    known = {
        file: bm25(said, wanted, scope.files[file], usual, 0.75) for file, said in times.items()
    }
    return [known.get(unit >> SHIFT, 0.0) for unit in units]


def standardised(values: Sequence[float]) -> list[float]:
    if not values:
        return []
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    return [(value - mean) / deviation if deviation > 1e-9 else 0.0 for value in values]


def bonus(row: Row, asked: Asked, weights: Weights) -> float:
    gained = weights.speaker if len(asked.named) == 1 and row.speaker in asked.named else 0.0
    if row.date and any(span.holds(row.date, BEFORE, AFTER) for span in asked.spans):
        gained += weights.date
    return gained
