"""What one search may see, and its figures: the files of an agent and the shared ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from harness.memory.search.store import SHIFT


@dataclass(frozen=True)
class Scope:
    """The files that a search sees, and the averages that its scores are measured by."""

    files: dict[int, int]  # id: how many terms it has
    units: int
    all_units: int  # also of those that it does not see
    speakers: dict[str, int]  # who begins units, and how many

    def __contains__(self, unit: int) -> bool:
        return unit >> SHIFT in self.files

    @property
    def unit_length(self) -> float:
        return sum(self.files.values()) / max(1, self.units)

    @property
    def file_length(self) -> float:
        return sum(self.files.values()) / max(1, len(self.files))


def scope_of(db: sqlite3.Connection, agent: str | None, kinds: Collection[str] | None) -> Scope:
    """`agent`: its own and the shared files; None: those of everybody. `kinds`: only these."""
    rows = db.execute("SELECT id, agent, kind, units, length FROM files").fetchall()
    seen = [
        (file, units, length)
        for file, owner, kind, units, length in rows
        if (agent is None or owner is None or owner == agent) and (kinds is None or kind in kinds)
    ]
    files = {file: length for file, _, length in seen}
    return Scope(
        files=files,
        units=sum(units for _, units, _ in seen),
        all_units=sum(units for *_, units, _ in rows),
        speakers=speakers_of(db, files),
    )


def speakers_of(db: sqlite3.Connection, files: dict[int, int]) -> dict[str, int]:
    said: dict[str, int] = {}
    for name, file, units in db.execute("SELECT name, file, units FROM speakers"):
        if file in files:
            said[name] = said.get(name, 0) + units
    return said
