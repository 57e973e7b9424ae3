"""Fragments: the few sections of an agent's skills that the search found for its task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.config.skills import Skill
from harness.memory.search.units import Hit, Unit

MOST = 3  # in a turn: what a model is told besides its task it weighs against it


@dataclass(frozen=True)
class Fragment:
    """One section of a skill, as it may stand in an opening message."""

    skill: str
    heading: str  # empty: before the first heading
    text: str
    source: str  # path:line, relative to the home
    hit: Hit

    def told(self) -> str:
        """The section with where it is from, and how to have all of it."""
        place = f"`{self.skill}`" + (f", {self.heading}" if self.heading else "")
        return (
            f"From your skill {place} ({self.source}; "
            f"read all of it with the tool `skill` before you work by it):\n{self.text}"
        )


def fragments(
    hits: Iterable[Hit], skills: Iterable[Skill], home: Path, most: int = MOST
) -> list[Fragment]:
    """At most so many sections of these `skills` among the hits, in the order of the hits.

    A section of a skill that is not among them is nobody's to see, and one with a stranger's
    words in it stays where it is. `home` is the folder to which the paths of hits are relative.
    """
    names = {path_of(skill, home): skill.name for skill in skills}
    ours = [hit for hit in hits if hit.unit.path in names and is_fit(hit.unit)]
    return [fragment(hit, names[hit.unit.path]) for hit in ours[:most]]


def is_fit(unit: Unit) -> bool:
    return unit.kind == "skill" and not unit.outside


def path_of(skill: Skill, home: Path) -> str:
    """The path of its SKILL.md as a unit has it."""
    path = skill.path
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)


def fragment(hit: Hit, skill: str) -> Fragment:
    unit = hit.unit
    return Fragment(skill, unit.heading, unit.text, f"{unit.path}:{unit.line}", hit)
