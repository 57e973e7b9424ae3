"""Strength as one more word in the order of what was found."""

from __future__ import annotations

from datetime import date, timedelta

from harness.config.settings import HalfLife
from harness.memory.notes.fading import freshest
from harness.memory.notes.uses import Use, key_of
from harness.memory.search.units import Hit, Unit

TODAY = date(2026, 11, 21)


def hit(text: str, score: float, ago: int | None = None, kind: str = "note") -> Hit:
    day = None if ago is None else TODAY - timedelta(days=ago)
    return Hit(Unit("memory/scout/x.md", 1, text, "scout", kind, day, "", (), None), text, score)


def order(*hits: Hit, uses: dict[str, Use] | None = None) -> list[str]:
    return [each.unit.text for each in freshest(hits, uses or {}, HalfLife(), TODAY)]


def test_of_two_that_fit_alike_the_fresh_one_comes_first() -> None:
    assert order(hit("old", 1.1, 300), hit("new", 1.0, 1)) == ["new", "old"]


def test_what_fits_far_better_comes_first_however_old() -> None:
    assert order(hit("new", 1.0, 1), hit("old", 2.0, 300)) == ["old", "new"]


def test_memory_and_what_has_no_day_do_not_fade() -> None:
    found = order(hit("rule", 1.0, 300, "memory"), hit("old", 1.2, 300), hit("page", 0.9))

    assert found == ["rule", "page", "old"]


def test_what_was_of_use_lately_counts_like_a_fresh_note() -> None:
    used = {key_of("old"): Use(1, TODAY)}

    assert order(hit("old", 1.1, 300), hit("new", 1.0, 1), uses=used) == ["old", "new"]


def test_what_is_superseded_stays_behind_what_supersedes_it() -> None:
    older = Hit(hit("old", 1.0, 2).unit, "old", 1.0, superseded_by="memory/scout/x.md:9")

    assert order(hit("new", 1.0, 300), older) == ["new", "old"]
