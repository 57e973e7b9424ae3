"""Vectors: what units mean, kept beside the index, to put its candidates into a better order.

The search by words finds; vectors are one more signal in the order of what it found, so that a
memory without them, or with half of them, still answers by words. They are derived like the
index: whoever deletes it has them made again.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import mul

from harness.db.connection import transaction

Vector = Sequence[float]  # of length 1
MOST = (
    100  # candidates whose vectors are looked at, the best by their words (benchmarks/vectors.py)
)

TABLES = (
    "CREATE TABLE IF NOT EXISTS vectors (hash BLOB NOT NULL, model TEXT NOT NULL,"
    " vector BLOB NOT NULL, PRIMARY KEY (hash, model))",
    "CREATE TABLE IF NOT EXISTS embedded (unit INTEGER PRIMARY KEY, hash BLOB NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS unit_gone AFTER DELETE ON units"
    " BEGIN DELETE FROM embedded WHERE unit = OLD.id; END",
)


@dataclass(frozen=True)
class Meant:
    """What a query means to a model. Vectors of two models cannot be compared."""

    model: str
    vector: Vector


def near_to(db: sqlite3.Connection, meant: Meant | None, units: Sequence[int]) -> Sequence[float]:
    """How near each unit is to what was asked, as a cosine. `units`: the likely ones first; the
    first MOST are looked at. The others, and those without a vector of the model, are as near as
    they are on average. Empty when fewer than two have one."""
    known = cosines(db, meant, units[:MOST]) if meant else {}
    if len(known) < 2:
        return []
    usual = sum(known.values()) / len(known)
    return [known.get(unit, usual) for unit in units]


def cosines(db: sqlite3.Connection, meant: Meant, units: Sequence[int]) -> dict[int, float]:
    """Of the units that have a vector of the model."""
    if not has_tables(db):
        return {}
    listed = ",".join(map(str, units))
    rows = db.execute(
        "SELECT unit, vector FROM embedded JOIN vectors USING (hash)"
        f" WHERE model = ? AND unit IN ({listed})",
        (meant.model,),
    )
    found = ((unit, unpacked(vector)) for unit, vector in rows)
    size = len(meant.vector)
    return {u: float(sum(map(mul, v, meant.vector))) for u, v in found if len(v) == size}


def prepare(db: sqlite3.Connection, model: str) -> None:
    """Make the tables where they are missing; what another model said goes."""
    if not has_tables(db):
        with transaction(db):
            for statement in TABLES:
                db.execute(statement)
    if db.execute("SELECT 1 FROM vectors WHERE model <> ? LIMIT 1", (model,)).fetchone():
        with transaction(db):
            db.execute("DELETE FROM embedded")
            db.execute("DELETE FROM vectors WHERE model <> ?", (model,))


def waiting(db: sqlite3.Connection, most: int) -> dict[int, str]:
    """Units without a vector, at most so many, with their texts; a text that has one already,
    since it stood elsewhere, is taken care of."""
    while rows := unknown(db, most):
        missing = {unit: text for unit, text in rows.items() if not has_vector(db, text)}
        with transaction(db):
            connect(db, {unit: text for unit, text in rows.items() if unit not in missing})
        if missing:
            return missing
    return {}


def keep(
    db: sqlite3.Connection, model: str, texts: Mapping[int, str], vectors: Mapping[str, Vector]
) -> None:
    """Write down what texts mean, and of which units. A text without a vector is not asked about
    again until its unit changes, or the model."""
    with transaction(db):
        db.executemany(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
            [(hash_of(text), model, packed(vector)) for text, vector in vectors.items()],
        )
        connect(db, texts)


def sweep(db: sqlite3.Connection) -> None:
    """Drop the vectors of texts that no unit has any more."""
    with transaction(db):
        db.execute("DELETE FROM vectors WHERE hash NOT IN (SELECT hash FROM embedded)")


def connect(db: sqlite3.Connection, texts: Mapping[int, str]) -> None:
    """Say which vector is whose, unless the unit says something else by now."""
    db.executemany(
        "INSERT OR REPLACE INTO embedded SELECT id, ? FROM units WHERE id = ? AND text = ?",
        [(hash_of(text), unit, text) for unit, text in texts.items()],
    )


def unknown(db: sqlite3.Connection, most: int) -> dict[int, str]:
    rows = db.execute(
        "SELECT id, text FROM units WHERE id NOT IN (SELECT unit FROM embedded) LIMIT ?", (most,)
    )
    return dict(rows.fetchall())


def has_tables(db: sqlite3.Connection) -> bool:
    row = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'unit_gone'").fetchone()
    return row is not None


def has_vector(db: sqlite3.Connection, text: str) -> bool:
    row = db.execute("SELECT 1 FROM vectors WHERE hash = ?", (hash_of(text),)).fetchone()
    return row is not None


def hash_of(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def packed(vector: Vector) -> bytes:
    """Four bytes for each number, in the order of this machine, as the index belongs to it."""
    return array("f", vector).tobytes()


def unpacked(blob: bytes) -> array[float]:
    numbers = array("f")
    numbers.frombytes(blob)
    return numbers
