"""What one search may see, and its figures: the files of an agent and the shared ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.memory.search.store import SHIFT, numbers_of


@dataclass(frozen=True)
class View:
    """What one search asks to see."""

    agent: str | None  # its own and the shared files; None: those of everybody
    kinds: frozenset[str] | None  # only these; None: all
    strangers: bool = True  # also what their words may be in
    paths: frozenset[str] | None = None  # only these files; None: all


@dataclass(frozen=True)
class Scope:
    """The files that a search sees, and the averages that its scores are measured by."""

    files: Mapping[int, int]  # number: how many terms it has
    spans: tuple[tuple[int, int], ...]  # of the numbers of units, within which all of them are
    units: int
    share: float  # of all units of the index
    unit_length: float  # terms
    file_length: float
    speakers: Mapping[str, int]  # who begins units, and how many
    fading: frozenset[int]  # numbers of the files whose notes lose strength with time
    years: tuple[int, ...]  # of which it tells, the last ten
    barred: frozenset[int] = frozenset()  # units that it does not see, wherever they stand

    def __contains__(self, unit: int) -> bool:
        return unit >> SHIFT in self.files and unit not in self.barred


def scope_of(db: sqlite3.Connection, view: View) -> Scope:
    """The figures of what is to be seen."""
    agent, kinds = view.agent, view.kinds
    columns = "id, agent, kind, units, length, first, last, path"
    rows = db.execute(f"SELECT {columns} FROM files").fetchall()
    seen = [
        row
        for row in rows
        if (agent is None or row[1] is None or row[1] == agent)
        and (kinds is None or row[2] in kinds)
        and (view.paths is None or row[7] in view.paths)
    ]
    units, length = sum(row[3] for row in seen), sum(row[4] for row in seen)
    files = {row[0]: row[4] for row in seen}
    return Scope(
        files=files,
        spans=spans_of(db, agent) if view.paths is None else spans_of_files(files),
        units=units,
        share=units / max(1, sum(row[3] for row in rows)),
        unit_length=max(1.0, length / max(1, units)),
        file_length=max(1.0, length / max(1, len(seen))),
        speakers=speakers_of(db, files),
        fading=frozenset(row[0] for row in seen if row[2] == "note"),
        years=years_of([row[5] for row in seen if row[5]] + [row[6] for row in seen if row[6]]),
        barred=frozenset() if view.strangers else of_strangers(db),
    )


def of_strangers(db: sqlite3.Connection) -> frozenset[int]:
    """The units that strangers' words may be in."""
    return frozenset(unit for (unit,) in db.execute("SELECT id FROM units WHERE outside <> ''"))


def spans_of(db: sqlite3.Connection, agent: str | None) -> tuple[tuple[int, int], ...]:
    if agent is None:
        return ((0, 1 << 62),)
    row = db.execute("SELECT id FROM owners WHERE name = ?", (agent,)).fetchone()
    owners = [0, *(row or ())]
    return tuple((first << SHIFT, end << SHIFT) for first, end in map(numbers_of, owners))


def spans_of_files(files: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Only where these stand: what stands between them may be so much that it hides them."""
    return tuple((file << SHIFT, (file + 1) << SHIFT) for file in sorted(files))


def speakers_of(db: sqlite3.Connection, files: Mapping[int, int]) -> dict[str, int]:
    said: dict[str, int] = {}
    for name, file, units in db.execute("SELECT name, file, units FROM speakers"):
        if file in files:
            said[name] = said.get(name, 0) + units
    return said


def years_of(days: Collection[str]) -> tuple[int, ...]:
    if not days:
        return ()
    return tuple(range(int(min(days)[:4]), int(max(days)[:4]) + 1))[-10:]
