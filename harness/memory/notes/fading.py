"""What a search found, with a little more weight for what has not faded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from harness.config.settings import HalfLife
from harness.memory.notes.strength import strength_on
from harness.memory.notes.uses import NEVER, Use, key_of
from harness.memory.search.units import Hit

WEIGHT = 0.5  # of full strength, in deviations of the score: chosen, and not measured


def freshest(
    hits: Sequence[Hit], uses: Mapping[str, Use], half_life: HalfLife, today: date
) -> list[Hit]:
    """The hits, best first, with WEIGHT times their strength on their scores. One that a newer
    note supersedes gets none of it, so it stays behind."""
    scored = [
        replace(hit, score=hit.score + WEIGHT * strength_of(hit, uses, half_life, today))
        for hit in hits
    ]
    return sorted(scored, key=lambda hit: -hit.score)


def strength_of(hit: Hit, uses: Mapping[str, Use], half_life: HalfLife, today: date) -> float:
    if hit.superseded_by:
        return 0.0
    lives: Mapping[str, timedelta] = {"note": half_life.notes, "learning": half_life.learnings}
    use = uses.get(key_of(hit.unit.text), NEVER)
    return strength_on(today, hit.unit.date, lives.get(hit.unit.kind), use.count, use.last)
