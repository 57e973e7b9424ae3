"""Whose call goes next, and which model is loaded for it: rule by rule."""

from __future__ import annotations

from random import Random

import pytest

from harness.config.priority import Priority
from harness.models.pool.choice import choose, contended, wake_at
from harness.models.pool.early import prefetch
from harness.models.pool.view import (
    BreakOff,
    Drain,
    HostView,
    Line,
    Load,
    Resident,
    Rules,
    Run,
    Running,
    SendBack,
    Spec,
    Verdict,
    Why,
)
from tests.models.pool.simulating import Job, World, first_come, one_host

A, B, C, D = (Spec(name, 8192) for name in ("alpha", "beta", "gamma", "delta"))
LOCAL, BOTH = frozenset({"local"}), frozenset({"local", "other"})
P0, P1, P2 = Priority
RULES = Rules(patience=600, batch=32)
NOW = 1000.0


def line(
    spec: Spec,
    priority: Priority = P1,
    waiting: int = 1,
    since: float = NOW,
    hosts: frozenset[str] = LOCAL,
    limit: int | None = None,
) -> Line:
    return Line(spec, hosts, waiting, priority, since, since, limit)


def calls(*priorities: Priority, first: int = 1, may_yield: bool = True) -> tuple[Running, ...]:
    return tuple(
        Running(first + n, priority, NOW - 10 + n, may_yield)
        for n, priority in enumerate(priorities)
    )


def host(*residents: Resident, name: str = "local", models: int = 2, slots: int = 2) -> HostView:
    return HostView(name, slots, models, residents=residents)


def ask(lines: list[Line], *hosts: HostView, rules: Rules = RULES) -> Verdict | None:
    return choose(lines, hosts, NOW, rules)


# loaded models


def test_a_call_goes_where_its_model_is_loaded() -> None:
    wanted = line(A)

    assert ask([wanted], host(Resident(A))) == Run(wanted, "local", Why.LOADED)


def test_no_more_calls_than_slots() -> None:
    assert ask([line(A)], host(Resident(A, running=calls(P1, P1)))) is None


def test_a_limit_counts_where_it_is_less_than_the_slots() -> None:
    assert ask([line(A, limit=1)], host(Resident(A, running=calls(P1)))) is None


def test_calls_for_a_loaded_model_go_before_an_older_one_that_needs_its_place() -> None:
    loaded, older = line(A), line(B, since=NOW - 60)

    verdict = ask([older, loaded], host(Resident(A), models=1))

    assert verdict == Run(loaded, "local", Why.LOADED)


def test_the_host_with_most_free_slots_takes_the_call() -> None:
    here, there = Resident(A, running=calls(P1)), Resident(A)

    verdict = ask([line(A, hosts=BOTH)], host(here), host(there, name="other"))

    assert isinstance(verdict, Run)
    assert verdict.host == "other"


# room for another model


def test_an_empty_place_is_taken() -> None:
    wanted = line(B)

    verdict = ask([wanted], host(Resident(A, running=calls(P1))))

    assert verdict == Load(wanted, "local", Why.ROOM)


def test_one_load_at_a_time() -> None:
    loading = HostView("local", 2, 3, loading=A)

    assert ask([line(B)], loading) is None


def test_a_model_is_not_loaded_twice() -> None:
    assert ask([line(A)], HostView("local", 2, 3, loading=A)) is None


def test_the_longest_line_is_loaded_first() -> None:
    verdict = ask([line(A, waiting=2), line(B, waiting=30), line(C, waiting=5)], host())

    assert isinstance(verdict, Load)
    assert verdict.line.spec == B


def test_the_more_urgent_line_is_loaded_first() -> None:
    verdict = ask([line(A, P2, waiting=90), line(B, P1)], host())

    assert isinstance(verdict, Load)
    assert verdict.line.spec == B


def test_the_aged_line_is_loaded_before_all_but_p0() -> None:
    aged = line(C, P2, since=NOW - 600)

    first = ask([line(A, P1, waiting=90), aged, line(B, P0)], host())
    second = ask([line(A, P1, waiting=90), aged], host())

    assert isinstance(first, Load)
    assert isinstance(second, Load)
    assert (first.line.spec, second.line.spec) == (B, C)


@pytest.mark.parametrize(
    ("residents", "victim"),
    [
        ((Resident(A, running=calls(P1)), Resident(B, used=9)), B),  # the idle one
        ((Resident(A, due=NOW + 50), Resident(B, due=NOW + 5)), A),  # due last
        ((Resident(A, due=NOW + 50, used=1), Resident(B, used=9)), B),  # never due
        ((Resident(A, used=9), Resident(B, used=1)), B),  # least recently used
    ],
)
def test_the_victim(residents: tuple[Resident, ...], victim: Spec) -> None:
    wanted = line(C)

    assert ask([wanted], host(*residents)) == Load(wanted, "local", Why.IDLE, (victim,))


def test_a_model_with_work_is_not_evicted_for_a_line_without_a_claim() -> None:
    full = host(Resident(A, running=calls(P1, P1)), Resident(B, running=calls(P1, P1)))

    assert ask([line(A), line(B), line(C, waiting=99)], full) is None


def test_a_model_is_kept_for_a_task_that_asks_it_again_as_long_as_two_loads_take() -> None:
    fresh = host(Resident(A, awaits=NOW - 19, load=10), models=1)
    stale = host(Resident(A, awaits=NOW - 21, load=10), models=1)

    assert ask([line(B)], fresh) is None
    assert isinstance(ask([line(B)], stale), Load)
    assert wake_at([line(B)], [fresh], NOW, RULES) == NOW + 1


def test_a_model_that_nobody_will_ask_again_goes_at_once() -> None:
    answered = host(Resident(A, used=NOW, load=10), models=1)

    assert isinstance(ask([line(B)], answered), Load)


def test_a_task_that_asks_again_does_not_keep_a_model_past_its_batch() -> None:
    busy = host(Resident(A, awaits=NOW, load=10, served=RULES.batch), models=1)

    assert isinstance(ask([line(B)], busy), Load)


def test_another_context_of_a_model_takes_its_place() -> None:
    longer = line(Spec(A.model, 32768))

    verdict = ask([longer], host(Resident(A, used=9), Resident(B, used=1), models=3))

    assert verdict == Load(longer, "local", Why.IDLE, (A,))


# memory


def sized(*residents: Resident, memory: int = 100, name: str = "local") -> HostView:
    return HostView(name, 2, 3, memory, residents, needs={A: 40, B: 40, C: 70, D: 300})


def test_a_model_is_loaded_beside_another_only_where_it_leaves_headroom() -> None:
    beside = ask([line(B)], sized(Resident(A, 40), memory=90))
    instead = ask([line(B)], sized(Resident(A, 41), memory=90))

    assert beside == Load(line(B), "local", Why.ROOM)
    assert instead == Load(line(B), "local", Why.IDLE, (A,))


def test_no_more_is_evicted_than_must_be() -> None:
    crowded = sized(Resident(A, 10, used=1), Resident(B, 60, used=2))

    verdict = ask([line(C)], crowded)

    assert verdict == Load(line(C), "local", Why.IDLE, (B,))


def test_what_fits_nowhere_has_the_largest_host_for_itself() -> None:
    wanted = line(D, hosts=BOTH)
    small, large = sized(), sized(Resident(A, 40), memory=200, name="other")

    verdict = ask([wanted], small, large)

    assert verdict == Load(wanted, "other", Why.IDLE, (A,), tight=True)


# batches and age


def test_a_batch_that_is_over_makes_room() -> None:
    busy = Resident(A, running=calls(P1, P1), served=32)

    verdict = ask([line(A, waiting=50), line(B)], host(busy, models=1))

    assert verdict == Drain(line(B), "local", Why.BATCH_OVER, (A,))


def test_no_call_begins_on_a_model_that_drains() -> None:
    draining = Resident(A, running=calls(P1), served=32, draining=True)

    assert ask([line(A, waiting=50), line(B)], host(draining, models=1)) is None


def test_once_it_is_idle_the_other_is_loaded() -> None:
    drained = Resident(A, served=32, draining=True)

    verdict = ask([line(A, waiting=50), line(B)], host(drained, models=1))

    assert verdict == Load(line(B), "local", Why.BATCH_OVER, (A,))


def test_a_line_that_is_nearly_done_is_done() -> None:
    busy = Resident(A, running=calls(P1), served=32)

    verdict = ask([line(A, waiting=4), line(B, waiting=99)], host(busy, models=1))

    assert isinstance(verdict, Run)


@pytest.mark.parametrize(
    ("served", "rest", "waiting", "is_ended"),
    [
        (16, 20, 60, True),  # with two places for 120 calls it would be done last
        (16, 20, 59, False),  # the other two places have more to do
        (15, 20, 60, False),  # half a batch at least
        (16, 10, 60, False),  # what is left is not worth another load
    ],
)
def test_half_a_batch_is_enough_where_the_line_that_waits_would_be_done_last(
    served: int, rest: int, waiting: int, is_ended: bool
) -> None:
    cut = Resident(A, running=calls(P1), served=served)
    full = host(cut, Resident(B, running=calls(P1, P1, first=5)))

    verdict = ask(
        [line(A, waiting=rest), line(B, waiting=60 - rest), line(C, waiting=waiting)], full
    )

    assert isinstance(verdict, Drain) is is_ended


def test_nobody_who_waits_ends_no_batch() -> None:
    busy = Resident(A, running=calls(P1), served=500)

    assert isinstance(ask([line(A, waiting=50)], host(busy, models=1)), Run)


def test_p2_does_not_end_a_batch_of_p1() -> None:
    busy = Resident(A, running=calls(P1), served=500)

    assert isinstance(ask([line(A, P1, 50), line(B, P2)], host(busy, models=1)), Run)


def test_p1_waits_for_no_more_than_the_batch_of_p2_however_old_that_is() -> None:
    old = line(A, P2, 500, since=NOW - 900)

    verdict = ask([old, line(B, P1)], host(Resident(A, served=32), models=1))

    assert verdict == Load(line(B, P1), "local", Why.BATCH_OVER, (A,))


def test_an_aged_line_cuts_a_batch() -> None:
    aged = line(B, P2, since=NOW - 600)
    busy = Resident(A, running=calls(P1), served=8)

    assert ask([line(A, P1, 50), aged], host(busy, models=1)) == Drain(
        aged, "local", Why.AGED, (A,)
    )


def test_among_aged_lines_a_batch_is_not_cut() -> None:
    older, aged = line(B, since=NOW - 700), line(A, since=NOW - 600, waiting=50)

    verdict = ask([older, aged], host(Resident(A, running=calls(P1), served=8), models=1))

    assert verdict == Run(aged, "local", Why.AGED)


def test_age_is_woken_for() -> None:
    assert wake_at([line(A, since=NOW - 100)], [], NOW, RULES) == NOW + 500
    assert wake_at([line(A, since=NOW - 600)], [], NOW, RULES) is None


def test_calls_in_a_row_count_only_while_a_line_is_without_a_home() -> None:
    here, there = host(Resident(A)), host(Resident(B), name="other")

    assert contended([line(A, hosts=BOTH), line(B, hosts=BOTH)], [here, there]) == frozenset()
    assert contended([line(C)], [here, there]) == LOCAL


# P0


def test_p0_goes_first() -> None:
    verdict = ask([line(A, since=NOW - 900), line(B, P0)], host(Resident(A), Resident(B)))

    assert verdict == Run(line(B, P0), "local", Why.URGENT)


def test_p0_gets_the_slot_of_the_youngest_of_the_least_urgent() -> None:
    full = host(Resident(A, running=calls(P2, P2, P1)), slots=3)

    assert ask([line(A, P0)], full) == SendBack(line(A, P0), "local", (2,))


def test_one_that_leaves_is_enough() -> None:
    leaving = Running(1, P2, NOW, leaving=True)
    full = host(Resident(A, running=(leaving, Running(2, P2, NOW))))

    assert ask([line(A, P0, waiting=2)], full, host(name="other")) is None


@pytest.mark.parametrize(
    "running", [calls(P0, P0), calls(P2, P2, may_yield=False)], ids=["p0", "sent back before"]
)
def test_not_everybody_can_be_sent_back(running: tuple[Running, ...]) -> None:
    assert ask([line(A, P0)], host(Resident(A, running=running), models=1)) is None


def test_without_preemption_p0_waits_for_the_next_slot() -> None:
    full = host(Resident(A, running=calls(P2, P2)), models=1)

    assert ask([line(A, P0)], full, rules=Rules(preempt=False)) is None


def test_p0_clears_the_place_that_costs_least() -> None:
    urgent = line(C, P0)
    heavy, light = Resident(A, running=calls(P2, P2)), Resident(B, running=calls(P2, first=5))

    first = ask([urgent], host(heavy, light))
    then = ask([urgent], host(heavy, Resident(B, running=light.running, draining=True)))

    assert first == Drain(urgent, "local", Why.URGENT, (B,))
    assert then == SendBack(urgent, "local", (5,))


def test_p0_sends_nobody_back_while_it_has_to_wait_for_another_anyway() -> None:
    running = (*calls(P2), *calls(P2, first=7, may_yield=False))
    drained = Resident(A, running=running, draining=True)

    assert ask([line(B, P0)], host(drained, models=1)) is None


def test_nobody_else_begins_on_a_host_that_p0_needs_drained() -> None:
    stuck = Resident(A, running=calls(P0), draining=True)
    other = Resident(B, running=calls(P0, first=9))

    assert ask([line(C, P0), line(B, P1)], host(stuck, other)) is None


def loading(over: float | None, models: int = 1) -> HostView:
    return HostView("local", 2, models, loading=B, over=over)


def test_p0_ends_a_load_that_is_under_way_for_a_less_urgent_call() -> None:
    urgent = line(A, P0)

    assert ask([urgent, line(B)], loading(over=NOW + 5)) == BreakOff(urgent, "local")
    assert ask([urgent, line(B)], loading(over=None)) == BreakOff(urgent, "local")
    assert ask([urgent, line(B)], loading(over=NOW + 5, models=2)) == BreakOff(urgent, "local")


def test_p0_waits_for_a_load_that_is_nearly_done() -> None:
    assert ask([line(A, P0), line(B)], loading(over=NOW + 3)) is None


@pytest.mark.parametrize(
    "other", [line(B, P0, since=NOW - 1), line(B, since=NOW - 600)], ids=["p0", "aged"]
)
def test_p0_does_not_end_the_load_of_another_p0_or_an_aged_line(other: Line) -> None:
    assert ask([line(A, P0), other], loading(over=NOW + 5)) is None


def test_without_preemption_p0_ends_no_load() -> None:
    assert ask([line(A, P0)], loading(over=NOW + 5), rules=Rules(preempt=False)) is None


def test_p0_goes_to_a_host_that_does_nothing_before_it_ends_a_load() -> None:
    urgent = line(A, P0, hosts=BOTH)

    verdict = ask([urgent, line(B)], loading(over=NOW + 5), host(name="other"))

    assert verdict == Load(urgent, "other", Why.URGENT)


def test_a_load_is_ended_once() -> None:
    ending = HostView("local", 2, 1, loading=B, over=NOW + 5, ending=True)

    assert ask([line(A, P0), line(B)], ending) is None


def test_p0_prefers_an_empty_place_elsewhere() -> None:
    urgent = line(B, P0, hosts=BOTH)
    full = host(Resident(A, running=calls(P2)), models=1)

    assert ask([urgent], full, host(name="other")) == Load(urgent, "other", Why.URGENT)


# several hosts


def test_a_long_line_is_worth_a_second_copy_on_an_idle_host() -> None:
    full = host(Resident(A, running=calls(P1, P1)), models=1)
    idle = host(Resident(B), name="other", models=1)

    short = ask([line(A, waiting=8, hosts=BOTH)], full, idle)
    long = ask([line(A, waiting=9, hosts=BOTH)], full, idle)

    assert short is None
    assert isinstance(long, Load)
    assert (long.host, long.evict, long.why) == ("other", (B,), Why.IDLE)


def test_a_second_copy_takes_nobodys_place() -> None:
    full = host(Resident(A, running=calls(P1, P1)), models=1)
    busy = host(Resident(B, running=calls(P1, P1)), name="other", models=1)

    assert ask([line(A, waiting=99, hosts=BOTH), line(B, hosts=BOTH)], full, busy) is None


def test_a_line_goes_to_the_hosts_it_may_go_to() -> None:
    assert ask([line(A, hosts=frozenset({"gone"}))], host()) is None


def test_the_order_of_lines_and_hosts_does_not_matter() -> None:
    lines = [line(spec, hosts=BOTH, waiting=3) for spec in (A, B, C, D)]
    hosts = [host(), host(name="other")]

    verdicts = {repr(ask(lines[n:] + lines[:n], *hosts[:: 1 - 2 * (n % 2)])) for n in range(4)}

    assert len(verdicts) == 1


# before its time


def test_a_model_is_fetched_before_its_job_where_that_keeps_nobody_waiting() -> None:
    quiet = host(Resident(B, due=NOW + 900), models=1)

    verdict = prefetch(A, LOCAL, NOW + 100, [], [quiet], NOW, RULES)

    assert isinstance(verdict, Load)
    assert (verdict.host, verdict.why, verdict.evict) == ("local", Why.PREFETCH, (B,))


@pytest.mark.parametrize(
    ("lines", "resident"),
    [
        ([], Resident(B, running=calls(P2))),  # it works
        ([], Resident(B, due=NOW + 50)),  # due sooner
        ([], Resident(A)),  # loaded already
        ([line(B)], Resident(B)),  # wanted now
        ([line(C)], Resident(B)),  # somebody else comes first
    ],
)
def test_a_model_is_not_fetched_where_it_would_be_in_the_way(
    lines: list[Line], resident: Resident
) -> None:
    assert prefetch(A, LOCAL, NOW + 100, lines, [host(resident, models=1)], NOW, RULES) is None


# a burst


def burst(models: int, seed: int) -> list[Job]:
    random = Random(seed)
    specs = [A, B, C, D][:models]
    return [Job(random.choice(specs), n * 1e-6, random.uniform(0.5, 1.5)) for n in range(120)]


def lower_bound(jobs: list[Job], load: float, places: int = 2, slots: int = 2) -> float:
    """Loads are serial, each model is loaded once, and it has the slots of one place."""
    work = {spec: sum(job.seconds for job in jobs if job.spec == spec) for spec in (A, B, C, D)}
    models = sum(each > 0 for each in work.values())
    waiting = load * sum(range(1, places + 1)) + load * (models - places)
    longest = load + max(work.values()) / slots
    return max((waiting + sum(work.values()) / slots) / places, longest)


@pytest.mark.parametrize("load", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("models", [3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_burst_is_done_with_few_loads_and_near_the_bound(
    load: float, models: int, seed: int
) -> None:
    jobs = burst(models, seed)
    seconds = dict.fromkeys((A, B, C, D), load)
    worlds: list[World] = []
    for chooser in (choose, first_come):
        world = one_host(chooser=chooser, load_seconds=seconds)
        world.plan(jobs)
        world.run()
        worlds.append(world)

    ours, theirs = worlds

    assert len(ours.waits) == len(theirs.waits) == 120
    assert 5 * ours.loads <= theirs.loads
    assert ours.now <= 1.25 * lower_bound(jobs, load)


def turns(spec: Spec, agent: str) -> Job:
    """A session: ten calls, each half a second after the one before has ended."""
    then: tuple[Job, ...] = ()
    for _ in range(10):
        then = (Job(spec, at=0.5, seconds=4, agent=agent, then=then),)
    return then[0]


def test_a_session_that_works_in_turns_keeps_its_model() -> None:
    world = one_host(load_seconds=dict.fromkeys((A, B, C), 4.0))
    world.plan([turns(A, "zoe"), turns(B, "macro"), turns(C, "butler")])

    world.run()

    assert (len(world.waits), world.loads) == (30, 3)
