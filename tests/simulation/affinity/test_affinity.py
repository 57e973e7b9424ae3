"""A burst and a day, short ones: how often models are swapped, and who waits how long.

All times are virtual: the counts are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from harness.config.settings import PoolSettings
from tests.simulation.affinity import work
from tests.simulation.affinity.bound import Machine, delays, of_burst
from tests.simulation.affinity.play import Played, Told, farsighted, house, idle, play, straight

MACHINE = Machine(work.FIT, work.SERVER.parallel, work.SERVER.recover_seconds)
BURST = work.burst(3, requests=60, urgent=2)
MORNING = [job for job in work.day(3) if job.begins < 11 * 3600]


@cache
def burst_by_the_house() -> Played:
    return play(BURST, house)


@cache
def morning_by_the_house() -> Played:
    return play(MORNING, house)


def test_a_burst_is_done_with_half_the_loads_and_near_the_bound() -> None:
    ours, fcfs = burst_by_the_house(), play(BURST, straight)

    assert len(ours.ends) == len(fcfs.ends) == 60
    assert 2 * ours.loads <= fcfs.loads
    assert of_burst(BURST, MACHINE) <= ours.makespan <= 1.25 * of_burst(BURST, MACHINE)
    assert ours.makespan < fcfs.makespan


def test_a_morning_of_sessions_is_done_with_half_the_loads_and_sooner() -> None:
    ours, fcfs = morning_by_the_house(), play(MORNING, straight)

    assert len(ours.ends) == len(fcfs.ends) == len(MORNING)
    assert 2 * ours.loads <= fcfs.loads
    assert delays(MORNING, MACHINE) <= ours.delay(MORNING) < fcfs.delay(MORNING)


@pytest.mark.parametrize("played", [burst_by_the_house, morning_by_the_house])
def test_the_urgent_wait_hardly_longer_than_on_an_idle_machine(
    played: Callable[[], Played],
) -> None:
    waited = [call.to_first for call in played().urgent]

    assert sum(waited) <= 1.1 * sum(alone.seconds for alone in idle(played(), house))


@pytest.mark.parametrize("played", [burst_by_the_house, morning_by_the_house])
def test_nobody_waits_longer_than_the_patience(played: Callable[[], Played]) -> None:
    patience = PoolSettings().patience.total_seconds()

    assert played().longest.to_first < patience


def test_a_model_stays_while_the_tools_of_its_session_work() -> None:
    step = work.Call(500, 60, pause=9.0)
    agents = ("zoe", "ainews", "macro")
    sessions = [work.Job(name, name, work.CREW[name], 0.0, (step,) * 4) for name in agents]

    ours, fcfs = play(sessions, house), play(sessions, straight)

    assert (ours.loads, len(ours.calls)) == (3, 12)
    assert fcfs.loads > 3


def test_the_first_words_of_a_schedule_come_sooner_when_its_models_are_fetched_ahead() -> None:
    late, ahead = morning_by_the_house(), play(MORNING, farsighted(MORNING))

    assert sum(waits(ahead.scheduled)) < 0.9 * sum(waits(late.scheduled))
    assert sum(waits(ahead.urgent)) < 1.1 * sum(waits(late.urgent))
    assert ahead.loads <= late.loads + 1
    assert ahead.delay(MORNING) < late.delay(MORNING)


def waits(calls: list[Told]) -> list[float]:
    return [call.to_first for call in calls]


def test_two_runs_of_one_seed_are_the_same() -> None:
    few = work.burst(5, requests=12, urgent=1)

    once, again = play(few, house), play(few, house)

    assert once.journal == again.journal
    assert once.ends == pytest.approx(again.ends, abs=0.01)
