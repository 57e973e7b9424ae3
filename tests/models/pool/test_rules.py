"""What the pool promises, held in worlds in which anything may be asked at any time."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from harness.config.priority import Priority
from harness.models.pool.early import prefetch
from harness.models.pool.places import stuck, suitable
from harness.models.pool.scene import Scene
from harness.models.pool.view import HostView, Line, Resident, Rules, Running, Spec
from tests.models.pool.simulating import Job, World, one_host

SPECS = [Spec("coder", 8192), Spec("coder", 32768), Spec("writer", 8192), Spec("giant", 8192)]
NEEDS = dict(zip(SPECS, (30, 45, 40, 150), strict=True))
LOAD_SECONDS = dict(zip(SPECS, (2.0, 2.0, 5.0, 20.0), strict=True))
SPEC_OF_P0 = Spec("doctor", 8192)
P0, P1, P2 = Priority

hosts = st.builds(
    HostView,
    st.just("local"),
    slots=st.integers(1, 3),
    models=st.integers(1, 3),
    memory=st.sampled_from([None, 60, 110, 200]),
    needs=st.just(NEEDS),
)
jobs = st.builds(
    Job,
    st.sampled_from(SPECS),
    at=st.floats(0, 60),
    seconds=st.floats(0.1, 10),
    priority=st.sampled_from([P1, P2]),
    agent=st.sampled_from("abc"),
)


urgent = st.builds(
    Job,
    st.sampled_from(SPECS),
    at=st.floats(0, 90),
    seconds=st.floats(0.1, 10),
    priority=st.just(P0),
)


def nothing_is_left_undone(world: World) -> None:
    """Where a slot of a loaded model is free for a call that waits, somebody needs it drained."""
    scene = Scene(world.lines.views(), world.views(), world.now, world.rules)
    for line in scene.lines:
        for host, resident in scene.copies(line):
            if scene.free(line, host, resident) > 0 and not resident.draining:
                assert shut_by_a_p0(scene, host) or kept_for_its_limit(scene, line)


def shut_by_a_p0(scene: Scene, host: HostView) -> bool:
    drains = any(resident.draining for resident in host.residents)
    return drains and any(scene.urgent(line) and scene.homeless(line) for line in scene.lines)


def kept_for_its_limit(scene: Scene, line: Line) -> bool:
    peers = [each for each in scene.lines if each.spec == line.spec and each.limit]
    return any(scene.aged(each) or scene.urgent(each) for each in peers)


def no_p0_waits_behind_a_batch(world: World) -> None:
    """It waits for a load, for one that is leaving, or for what cannot be sent back."""
    scene = Scene(world.lines.views(), world.views(), world.now, world.rules)
    urgent = [line for line in scene.lines if scene.urgent(line) and not scene.aged(line)]
    for line in urgent:
        copies = list(scene.copies(line))
        running = [call for _, resident in copies for call in resident.running]
        free = [each for each in copies if scene.free(line, *each) > 0]
        assert all(an_aged_p0_drains(scene, *each) for each in free)
        if copies and world.rules.preempt:
            assert stuck(running) == len(running) or any(call.leaving for call in running)
    if len(urgent) == 1 and scene.homeless(urgent[0]) and world.rules.preempt:
        assert any(has_a_reason(host) for host in suitable(scene.hosts, urgent[0].spec))


def an_aged_p0_drains(scene: Scene, host: HostView, resident: Resident) -> bool:
    aged = [line for line in scene.lines if scene.urgent(line) and scene.aged(line)]
    return resident.draining and any(
        scene.homeless(line) and host.name in line.hosts for line in aged
    )


def has_a_reason(host: HostView) -> bool:
    running = [call for resident in host.residents for call in resident.running]
    return bool(host.loading or stuck(running) or any(call.leaving for call in running))


def all_promises(world: World) -> None:
    nothing_is_left_undone(world)
    no_p0_waits_behind_a_batch(world)


class PoolMachine(RuleBasedStateMachine):
    """Asks, cancels and lets time pass; the world itself checks slots, memory and evictions."""

    world: World

    @initialize(here=hosts, there=st.none() | hosts, preempt=st.booleans(), batch=st.integers(1, 4))
    def begin(self, here: HostView, there: HostView | None, preempt: bool, batch: int) -> None:
        named = {"local": here}
        if there is not None:
            named["other"] = HostView("other", there.slots, there.models, there.memory, needs=NEEDS)
        rules = Rules(patience=30, batch=batch, preempt=preempt)
        self.world = World(named, rules, LOAD_SECONDS, after=all_promises)

    @rule(
        spec=st.sampled_from(SPECS),
        priority=st.sampled_from([P0, P1, P1, P2]),
        seconds=st.floats(0.1, 20),
        agent=st.sampled_from("abc"),
        limit=st.sampled_from([None, None, 1]),
        copies=st.integers(1, 5),
    )
    def ask(
        self,
        spec: Spec,
        priority: Priority,
        seconds: float,
        agent: str,
        limit: int | None,
        copies: int,
    ) -> None:
        for _ in range(copies):
            self.world.ask(Job(spec, 0, seconds, priority, agent, limit))
        self.world.settle()

    @rule(seconds=st.floats(0.01, 40))
    def pass_time(self, seconds: float) -> None:
        until = self.world.now + seconds
        self.world.run(until)
        self.world.now = until
        self.world.settle()

    @precondition(lambda self: self.world.calls)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(data.draw(st.sampled_from(sorted(self.world.calls))))
        self.world.settle()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.run()
            assert len(self.world.lines) == 0, "somebody waits for ever"


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def longest_wait(world: World, ahead: int, longest_call: float, longest_load: float) -> float:
    """The bound of docs/pool.md, for a call with so many others ahead of it."""
    rules, slots = world.rules, min(host.slots for host in world.views())
    calls = ceil(rules.batch / slots) + ceil(ceil(rules.batch / 4) / slots) + 4
    turn = calls * longest_call + 4 * longest_load
    return rules.patience + (2 * (ahead // rules.batch) + len(SPECS)) * turn


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(jobs, min_size=1, max_size=80),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 8),
    st.floats(1, 60),
)
def test_nobody_waits_longer_than_the_bound(
    asked: list[Job], models: int, slots: int, batch: int, patience: float
) -> None:
    world = one_host(
        models, slots, rules=Rules(patience, batch), load_seconds=LOAD_SECONDS, after=all_promises
    )
    world.plan(asked)

    world.run()

    assert len(world.waits) == len(asked)
    for id, wait in world.waits.items():
        assert wait <= longest_wait(world, world.ahead[id], 10, 20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(jobs, min_size=1, max_size=60),
    st.lists(urgent, max_size=8),
    st.lists(st.builds(HostView, st.just(""), st.integers(1, 3), st.integers(1, 3)), min_size=1,
             max_size=2),
    st.integers(1, 8),
    st.floats(1, 60),
)  # fmt: skip
def test_each_p0_adds_no_more_than_its_part_to_the_bound_on_one_host_or_two(
    asked: list[Job], p0: list[Job], here: list[HostView], batch: int, patience: float
) -> None:
    named = {name: replace(host, name=name) for name, host in zip("ab", here, strict=False)}
    world = World(named, Rules(patience, batch), LOAD_SECONDS, after=all_promises)
    world.plan([*asked, *p0])

    world.run()

    on_top = len(p0) * (3 * 10 + 3 * 20)
    for id, wait in world.waits.items():
        if world.jobs[id].priority is not P0:
            assert wait <= longest_wait(world, world.ahead[id], 10, 20) + on_top


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(jobs, min_size=8, max_size=60), st.lists(urgent, min_size=1, max_size=8))
def test_a_host_that_is_drained_for_a_p0_without_preemption_is_left_to_it(
    asked: list[Job], p0: list[Job]
) -> None:
    rules = Rules(patience=600, preempt=False)
    world = one_host(3, 3, rules=rules, load_seconds=LOAD_SECONDS, after=all_promises)
    world.plan([replace(job, spec=spec) for job, spec in zip(asked, SPECS[1:] * 20, strict=False)])
    world.plan([replace(job, spec=SPEC_OF_P0) for job in p0])

    world.run()

    assert len(world.waits) == len(asked) + len(p0)


residents = st.builds(
    Resident,
    st.sampled_from(SPECS[1:]),
    size=st.sampled_from([None, 20, 40]),
    running=st.sampled_from([(), (), (Running(1, P2, 0.0),)]),
    due=st.none() | st.floats(1, 900),
)
waiting = st.builds(
    Line,
    st.sampled_from(SPECS),
    st.sampled_from([frozenset({"local"}), frozenset({"other"})]),
    st.integers(1, 5),
    st.sampled_from([P0, P1, P2]),
    since=st.just(0.0),
    came=st.just(0.0),
)


@given(
    hosts,
    st.lists(residents, max_size=3, unique_by=lambda each: each.spec.model),
    st.lists(waiting, max_size=2, unique_by=lambda line: line.spec),
    st.floats(1, 900),
)
def test_what_is_fetched_ahead_takes_the_place_of_nothing_that_is_wanted_sooner(
    bare: HostView, there: list[Resident], lines: list[Line], due: float
) -> None:
    host = replace(bare, residents=tuple(there))

    load = prefetch(SPECS[0], frozenset({"local"}), due, lines, [host], 0.0, Rules())

    if load is not None:
        gone = [each for each in there if each.spec in load.evict]
        wanted = {line.spec for line in lines if "local" in line.hosts}
        assert not any(each.running for each in there)
        assert wanted <= {each.spec for each in there} - set(load.evict)
        assert all(each.due is None or each.due > due for each in gone)


def stream(spec: Spec, priority: Priority, every: float, seconds: float, until: float) -> list[Job]:
    return [Job(spec, n * every, seconds, priority) for n in range(int(until / every))]


def test_a_stream_of_more_urgent_work_does_not_starve_the_rest() -> None:
    world = one_host(
        models=1, slots=1, rules=Rules(patience=60, batch=8), load_seconds=LOAD_SECONDS
    )
    world.plan(stream(SPECS[0], P1, every=1, seconds=1, until=600))
    world.plan([Job(SPECS[2], 10.5, 1, P2)])

    world.run(until=100)

    late = [id for id, job in world.jobs.items() if job.spec == SPECS[2]]
    assert world.waits[late[0]] <= 60 + 1 + LOAD_SECONDS[SPECS[2]]


def test_what_is_left_of_the_day_is_done_when_nothing_else_comes() -> None:
    world = one_host(models=1, slots=1, load_seconds=LOAD_SECONDS)
    world.plan([Job(spec, 0, 1, P2) for spec in SPECS * 20])

    world.run()

    assert (len(world.waits), world.loads) == (80, len(SPECS))
