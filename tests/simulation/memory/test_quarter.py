"""A few short quarters; `make simulation` takes whole ones besides."""

from __future__ import annotations

import pytest

from harness.memory.lessons import book as lessons
from harness.memory.lessons.counting import counted
from harness.memory.rules import trail
from harness.services.night import reflection
from tests.simulation.memory.quarter import simulate

pytestmark = pytest.mark.simulation
FEW, DAYS = (1, 3, 5), 36


@pytest.mark.parametrize("seed", FEW)
def test_memory_keeps_its_promises_day_after_day(seed: int) -> None:
    simulate(seed, DAYS)


def test_a_seed_tells_the_same_story_again() -> None:
    assert simulate(4, 12) == simulate(4, 12)


# a simulation that finds no fault proves something only if it would find one


def fault() -> str:
    """What the first seed that breaks says."""
    for seed in range(8):
        try:
            simulate(seed, DAYS)
        except AssertionError as error:
            return str(error)
    return ""


def test_a_struck_rule_that_comes_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "undone", lambda *_: {})
    monkeypatch.setattr(reflection, "OPEN", ("pending", "in_progress", "promoted"))
    monkeypatch.setattr("harness.memory.rules.gate.OPEN", ("pending", "in_progress", "promoted"))

    assert "resting since" in fault()


def test_a_count_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(before, seen, similar):  # type: ignore[no-untyped-def]
        after = counted(before, seen, similar)
        text = after.text.replace("Recurrence-Count: 4", "Recurrence-Count: 3")
        return type(after)(text, after.kept, after.contradicted)

    monkeypatch.setattr(lessons, "counted", forgetful)

    assert "was seen 4 times and says 3" in fault()
