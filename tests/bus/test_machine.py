"""The bus against a model of it, over any sequence of steps, crashes included."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.bus import readdress, rescue, transitions
from harness.bus.port import (
    IllegalTransition,
    LeaseLost,
    Outcome,
    Priority,
    Request,
    Result,
    State,
    Task,
)
from harness.bus.routed import LANE, Decision, How
from harness.bus.sync import SyncBus
from harness.bus.transaction import Transaction
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from tests.bus.model import Model

CAPS = {"one": 1, "three": 3, LANE: 2}
lanes = st.sampled_from(sorted(CAPS))
owners = st.sampled_from(["s1", "s2", "s3"])
picks = st.integers(min_value=0)  # of a list, modulo its length


class BusMachine(RuleBasedStateMachine):
    """Three lanes, three owners, and every handle that a claim ever gave, stale ones included."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.ids = Ids(self.clock, random.Random(1).getrandbits)
        self.bus = self.open()
        self.model = Model(self.clock)
        self.handles: list[Task] = []

    def open(self) -> SyncBus:
        return SyncBus(Home(Path(self.folder.name)), self.clock, self.ids)

    def teardown(self) -> None:
        self.bus.close()
        self.folder.cleanup()

    # -- steps that anybody may take

    @rule(
        lane=lanes,
        priority=st.sampled_from(Priority),
        delay=st.sampled_from([0, 0, 20]),
        deadline=st.sampled_from([None, None, 45]),
        budget=st.integers(min_value=1, max_value=3),
        key=st.sampled_from([None, None, "k1", "k2"]),
    )
    def request(
        self,
        lane: str,
        priority: Priority = Priority.P1,
        delay: int = 0,
        deadline: int | None = None,
        budget: int = 2,
        key: str | None = None,
    ) -> None:
        now = self.clock.now()
        wish = Request(
            lane,
            "Look.",
            key=key,
            priority=priority,
            not_before=now + timedelta(seconds=delay),
            deadline=None if deadline is None else now + timedelta(seconds=deadline),
            max_attempts=budget,
        )

        task = self.bus.request(wish)

        if key is not None and key in self.model.keys:
            assert task.id == self.model.keys[key]
        else:
            assert task.id not in self.model.tasks
            self.model.requested(task.id, wish)

    @rule(lane=lanes, owner=owners)
    def claim(self, lane: str, owner: str) -> None:
        expected = self.model.next_of(lane, CAPS[lane])

        task = self.bus.run(transitions.claim, lane, cap=CAPS[lane], owner=owner)

        assert (task and task.id) == expected
        if task is not None:
            self.handles.append(task)
            self.model.claimed(task.id, owner)

    @rule()
    def sweep(self) -> None:
        swept = self.bus.run(rescue.sweep)

        assert sorted(task.id for task in swept) == sorted(self.model.swept())

    @precondition(lambda self: self.model.tasks)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        number = self.any_task(pick)
        if self.model.tasks[number].state is State.FINAL:
            with pytest.raises(IllegalTransition):
                self.bus.cancel(number, actor="person")
        else:
            self.bus.cancel(number, actor="person")
            self.model.ended(number, Outcome.CANCELLED)

    @precondition(lambda self: self.model.tasks)
    @rule(pick=picks)
    def resend(self, pick: int) -> None:
        number = self.any_task(pick)
        if self.model.tasks[number].state is State.DEAD:
            self.bus.resend(number, actor="person")
            self.model.resent(number)
        else:
            with pytest.raises(IllegalTransition):
                self.bus.resend(number, actor="person")

    # -- steps of whoever holds a task, or once did

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def beat(self, pick: int) -> None:
        task = self.any_handle(pick)
        if self.may_write(task, transitions.beat):
            until = self.bus.run(transitions.beat, task)
            self.model.update(task.id, lease_until=until)

    @precondition(lambda self: self.handles)
    @rule(pick=picks, outcome=st.sampled_from([Outcome.DONE, Outcome.PARTIAL]))
    def final(self, pick: int, outcome: Outcome) -> None:
        task = self.any_handle(pick)
        if self.may_write(task, transitions.final, outcome, Result("Too late.")):
            self.bus.run(transitions.final, task, outcome, Result("Here it is."))
            self.model.ended(task.id, outcome)

    @precondition(lambda self: self.handles)
    @rule(pick=picks, permanent=st.sampled_from([False, False, True]))
    def fail(self, pick: int, permanent: bool) -> None:
        task = self.any_handle(pick)
        if self.may_write(task, transitions.fail, "no luck"):
            self.bus.run(transitions.fail, task, "no luck", permanent=permanent)
            self.model.failed(task.id, permanent=permanent)

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        task = self.any_handle(pick)
        if self.may_write(task, transitions.release, "stopped"):
            self.bus.run(transitions.release, task, "stopped")
            self.model.released(task.id)

    @precondition(lambda self: self.handles)
    @rule(pick=picks, agent=st.sampled_from(["one", "three"]))
    def readdress(self, pick: int, agent: str) -> None:
        task = self.any_handle(pick)
        decision = Decision(agent, How.RULE, "gold")
        if not self.may_write(task, readdress.readdress, decision):
            return
        if self.model.tasks[task.id].lane == LANE:
            self.bus.run(readdress.readdress, task, decision)
            self.model.readdressed(task.id, agent)
        else:
            with pytest.raises(IllegalTransition):
                self.bus.run(readdress.readdress, task, decision)

    # -- time, accidents, and what is too rare by chance

    @rule(seconds=st.sampled_from([1, 20, 61, 300]))
    def time_passes(self, seconds: int) -> None:
        self.clock.shift(timedelta(seconds=seconds))

    @rule()
    def crash(self) -> None:
        """The process dies in the middle of a transaction, and another one starts."""
        self.bus.db.execute("BEGIN IMMEDIATE")
        halfway = Transaction.begun(self.bus.db, self.clock, self.ids)
        transitions.request(halfway, Request("one", "Never acknowledged."))
        transitions.claim(halfway, "three", cap=3, owner="s1")
        self.bus.close()
        self.bus = self.open()

    @rule(lane=lanes, owner=owners)
    def an_owner_loses_its_task_and_takes_it_up_again(self, lane: str, owner: str) -> None:
        self.request(lane, Priority.P0, budget=3)
        for _ in range(2):
            self.time_passes(61)
            self.sweep()
            self.time_passes(61)
            self.claim(lane, owner)
        if len(self.handles) > 1:
            self.beat(1)  # with the handle before the last

    @rule(lane=lanes)
    def a_lane_fills_up(self, lane: str) -> None:
        for _ in range(CAPS[lane] + 1):
            self.request(lane)
            self.claim(lane, "s1")

    @rule(lane=lanes, owner=owners)
    def a_session_is_stopped_at_once(self, lane: str, owner: str) -> None:
        self.claim(lane, owner)
        if self.handles:
            self.release(0)

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def a_dead_task_is_resent_and_fails_again(self, pick: int) -> None:
        task = self.any_handle(pick)
        self.fail(pick, permanent=True)
        if self.model.tasks[task.id].state is State.DEAD:
            self.resend(sorted(self.model.tasks).index(task.id))
            self.claim(task.lane, "s1")
            self.fail(0, permanent=False)

    # -- what must hold after every step

    @invariant()
    def the_tasks_are_where_they_should_be(self) -> None:
        actual = {task.id: task for task in self.bus.reader.tasks(limit=10_000)}
        assert actual.keys() == self.model.tasks.keys()
        for number, expected in self.model.tasks.items():
            assert expected.agrees(actual[number]), (expected, actual[number])

    @invariant()
    def no_lane_is_past_its_cap(self) -> None:
        for lane, states in self.bus.reader.counts().items():
            assert states[State.CONFIRMED] <= CAPS[lane]

    @invariant()
    def finals_are_counted(self) -> None:
        counted = sum(states[State.FINAL] for states in self.bus.reader.counts().values())
        assert counted == sum(task.state is State.FINAL for task in self.model.tasks.values())

    @invariant()
    def the_log_tells_the_same_as_the_tasks(self) -> None:
        for number, task in self.model.tasks.items():
            log = self.bus.reader.events(number)
            states = [event.state for event in log]
            last = (log[-1].state, log[-1].outcome, log[-1].attempt)
            assert states[0] is State.REQUEST
            assert last == (task.state, task.outcome, task.attempt)
            assert states.count(State.FINAL) == (task.state is State.FINAL)
            assert states.count(State.CONFIRMED) == task.attempt

    def may_write(self, handle: Task, step: Callable[..., object], *arguments: object) -> bool:
        """Whether a handle still holds its task; a stale one is seen to be refused."""
        if self.model.holds(handle):
            return True
        before = self.bus.reader.last_seq()
        with pytest.raises(LeaseLost):
            self.bus.run(step, handle, *arguments)
        assert self.bus.reader.last_seq() == before
        return False

    def any_task(self, pick: int) -> str:
        return sorted(self.model.tasks)[pick % len(self.model.tasks)]

    def any_handle(self, pick: int) -> Task:
        return self.handles[-1 - pick % len(self.handles)]


TestBusMachine = BusMachine.TestCase
TestBusMachine.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
