"""No schedule is better than the bound, and the best one is not far above it."""

from __future__ import annotations

import random

import pytest

from tests.simulation.affinity import work
from tests.simulation.affinity.bound import Machine, Pile, delays, makespan, of_burst
from tests.simulation.affinity.exact import shortest


def tiny(seed: int) -> tuple[list[Pile], Machine]:
    dice = random.Random(seed)
    piles = [
        Pile(dice.randint(1, 2), tuple(dice.randint(1, 3) for _ in range(dice.choice((1, 2, 2)))))
        for _ in range(3)
    ]
    return piles, Machine(2, dice.choice((1, 2)), dice.choice((0, 1)))


def test_no_schedule_of_a_tiny_burst_beats_the_bound_and_the_best_is_near() -> None:
    ratios = []
    for seed in range(12):
        piles, machine = tiny(seed)
        best, bound = shortest(piles, machine), makespan(piles, machine)
        assert bound <= best + 1e-9, (seed, piles, machine)
        ratios.append(best / bound)

    assert sum(ratios) / len(ratios) < 1.12


@pytest.mark.parametrize("slots", [1, 2])
def test_one_model_alone_is_bound_by_its_slots(slots: int) -> None:
    piles = [Pile(3, (2, 2, 2, 2))]

    assert makespan(piles, Machine(2, slots)) == 3 + 8 / slots
    assert shortest(piles, Machine(2, slots)) == 3 + 8 / slots


def test_a_model_that_waits_for_a_place_waits_for_a_whole_stay() -> None:
    piles = [Pile(1, (10,)), Pile(1, (10,)), Pile(1, (10,))]

    assert makespan(piles, Machine(2, 1)) == pytest.approx(17.5)
    assert shortest(piles, Machine(2, 1)) == 22


def test_the_bounds_of_the_benchmark_are_worth_something() -> None:
    machine = Machine(work.FIT, work.SERVER.parallel, work.SERVER.recover_seconds)
    burst, day = work.burst(), work.day()

    assert of_burst(burst, machine) > 0.9 * sum(job.work for job in burst) / 4
    assert delays(day, machine) > sum(job.alone for job in day)
