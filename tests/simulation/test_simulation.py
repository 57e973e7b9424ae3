"""A few seeds of the simulation; `.ci/run` takes two thousand more (tests.simulation)."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from harness.bus import effects, rescue, transitions
from harness.bus.port import Request, Task
from harness.bus.transaction import Transaction
from tests.simulation.run import simulate
from tests.simulation.world import World

pytestmark = pytest.mark.simulation
FEW = range(20)


@pytest.mark.parametrize("seed", FEW)
def test_every_promise_holds_whatever_happens(seed: int) -> None:
    simulate(seed)


def test_a_seed_tells_the_same_story_again() -> None:
    stories = [simulate(seed) for seed in FEW[:4]]

    assert stories == [simulate(seed) for seed in FEW[:4]]
    assert all(sum(numbers) for numbers in zip(*map(astuple, stories), strict=True))


# a simulation that finds no fault proves something only if it would find one


def is_found() -> bool:
    """Whether one seed of many breaks."""
    for seed in range(200):
        try:
            simulate(seed)
        except AssertionError:
            return True
    return False


def test_a_callback_that_gets_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = transitions.request

    def forgetful(tx: Transaction, wish: Request, *, deep: bool = False) -> Task | None:
        return None if wish.title.startswith("Answer:") else ask(tx, wish, deep=deep)

    monkeypatch.setattr(transitions, "request", forgetful)

    assert is_found()


def test_a_deed_that_is_repeated_blindly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "unknown", lambda tx, task_id: None)

    assert is_found()


def test_a_lease_that_outlives_its_owner_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "reclaim", lambda tx, owner: [])

    assert is_found()


def test_two_sessions_of_one_agent_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "lanes", lambda world: {"scout": 2, "clerk": 2, "zoe": 2})

    assert is_found()
