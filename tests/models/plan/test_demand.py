from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.plan.demand import Demand, chance_of_waiting, pays_off, wait


def test_one_slot_waits_as_the_textbook_says() -> None:
    half_busy = Demand(calls=90, seconds=20)

    assert half_busy.busy == 0.5
    assert wait(half_busy, 1) == pytest.approx(0.5 / (1 - 0.5) * 20)


def test_two_slots_that_are_half_busy_let_a_third_of_the_calls_wait() -> None:
    assert chance_of_waiting(1.0, 2) == pytest.approx(1 / 3)


def test_slots_that_cannot_keep_up_wait_without_end() -> None:
    flooded = Demand(calls=400, seconds=20)

    assert wait(flooded, 2) == inf
    assert chance_of_waiting(flooded.busy, 2) == 1.0
    assert pays_off(flooded, 2)


@given(st.floats(0.01, 20), st.integers(1, 12))
def test_a_slot_more_never_makes_anybody_wait_longer(busy: float, slots: int) -> None:
    assert 0 <= chance_of_waiting(busy, slots + 1) <= chance_of_waiting(busy, slots) <= 1


def test_a_quiet_host_needs_no_other() -> None:
    assert not pays_off(Demand(calls=30, seconds=20), 2)


def test_a_host_that_mostly_loads_needs_another() -> None:
    assert pays_off(Demand(calls=30, seconds=20, loads=40, load_seconds=15), 2)


def test_loads_alone_may_be_reason_enough() -> None:
    assert pays_off(Demand(calls=0, seconds=20, loads=60, load_seconds=20), 2)
    assert not pays_off(Demand(calls=0, seconds=20), 2)
