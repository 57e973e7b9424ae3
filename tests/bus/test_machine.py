"""The bus against a model of it, over any sequence of steps, crashes included."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.bus import transitions
from harness.bus.port import (
    DEFAULT_LEASE,
    RETRY_LADDER,
    IllegalTransition,
    LeaseLost,
    Outcome,
    Priority,
    Request,
    Result,
    State,
    Task,
)
from harness.bus.sync import SyncBus
from harness.bus.transaction import Transaction
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids

CAPS = {"one": 1, "three": 3}
lanes = st.sampled_from(sorted(CAPS))
owners = st.sampled_from(["s1", "s2", "s3"])
picks = st.integers(min_value=0)  # of a list, modulo its length


@dataclass(frozen=True)
class Expected:
    """What the model believes of one task."""

    lane: str
    priority: Priority
    not_before: datetime
    deadline: datetime | None
    budget: int
    max_attempts: int
    state: State = State.REQUEST
    outcome: Outcome | None = None
    attempt: int = 0
    failures: int = 0
    owner: str | None = None
    lease_until: datetime | None = None


class BusMachine(RuleBasedStateMachine):
    """Two lanes, three owners, and every handle that a claim ever gave, stale ones included."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.home = Home(Path(self.folder.name))
        self.clock = FakeClock()
        self.ids = Ids(self.clock, random.Random(1).getrandbits)
        self.bus = SyncBus(self.home, self.clock, self.ids)
        self.model: dict[str, Expected] = {}
        self.keys: dict[str, str] = {}
        self.handles: list[Task] = []

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
        priority: Priority,
        delay: int,
        deadline: int | None,
        budget: int,
        key: str | None,
    ) -> None:
        not_before = self.clock.now() + timedelta(seconds=delay)
        until = None if deadline is None else self.clock.now() + timedelta(seconds=deadline)
        wish = Request(
            lane,
            "Look.",
            key=key,
            priority=priority,
            not_before=not_before,
            deadline=until,
            max_attempts=budget,
        )

        task = self.bus.request(wish)

        if key is not None and key in self.keys:
            assert task.id == self.keys[key]
            return
        assert task.id not in self.model
        self.model[task.id] = Expected(lane, priority, not_before, until, budget, budget)
        if key is not None:
            self.keys[key] = task.id

    @rule(lane=lanes, owner=owners)
    def claim(self, lane: str, owner: str) -> None:
        expected = self.next_of(lane)

        task = self.bus.run(transitions.claim, lane, cap=CAPS[lane], owner=owner)

        assert (task and task.id) == expected
        if task is not None:
            self.handles.append(task)
            self.update(
                task.id,
                state=State.CONFIRMED,
                attempt=self.model[task.id].attempt + 1,
                owner=owner,
                lease_until=self.clock.now() + DEFAULT_LEASE,
            )

    @rule()
    def sweep(self) -> None:
        now = self.clock.now()
        late = {
            number
            for number, task in self.model.items()
            if task.state is State.CONFIRMED and task.lease_until and task.lease_until <= now
        }
        expired = {
            number
            for number, task in self.model.items()
            if task.state is State.REQUEST and task.deadline and task.deadline <= now
        }

        swept = self.bus.run(transitions.sweep)

        # what is set back now may be past its deadline too, and is then expired by this sweep
        set_back = {number for number in late if self.set_back(number)}
        both = {n for n in set_back if (at := self.model[n].deadline) and at <= now}
        for number in expired | both:
            self.end(number, Outcome.EXPIRED)
        assert Counter(task.id for task in swept) == Counter([*late, *expired, *both])

    @precondition(lambda self: self.model)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        number = self.any_task(pick)
        if self.model[number].state is State.FINAL:
            with pytest.raises(IllegalTransition):
                self.bus.cancel(number, actor="person")
        else:
            self.bus.cancel(number, actor="person")
            self.end(number, Outcome.CANCELLED)

    @precondition(lambda self: self.model)
    @rule(pick=picks)
    def resend(self, pick: int) -> None:
        number = self.any_task(pick)
        task = self.model[number]
        if task.state is not State.DEAD:
            with pytest.raises(IllegalTransition):
                self.bus.resend(number, actor="person")
            return
        self.bus.resend(number, actor="person")
        now = self.clock.now()
        self.update(
            number,
            state=State.REQUEST,
            max_attempts=task.attempt + task.budget,
            failures=0,
            not_before=now,
            deadline=None if task.deadline and task.deadline <= now else task.deadline,
        )

    # -- steps of whoever holds a task, or once did

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def beat(self, pick: int) -> None:
        task = self.any_handle(pick)
        if self.allowed(task):
            until = self.bus.run(transitions.beat, task)
            self.update(task.id, lease_until=until)
        else:
            self.refused(transitions.beat, task)

    @precondition(lambda self: self.handles)
    @rule(pick=picks, outcome=st.sampled_from([Outcome.DONE, Outcome.PARTIAL]))
    def final(self, pick: int, outcome: Outcome) -> None:
        task = self.any_handle(pick)
        if self.allowed(task):
            self.bus.run(transitions.final, task, outcome, Result("Here it is."))
            self.end(task.id, outcome)
        else:
            self.refused(transitions.final, task, outcome, Result("Too late."))

    @precondition(lambda self: self.handles)
    @rule(pick=picks, permanent=st.sampled_from([False, False, True]))
    def fail(self, pick: int, permanent: bool) -> None:
        task = self.any_handle(pick)
        if self.allowed(task):
            self.bus.run(transitions.fail, task, "no luck", permanent=permanent)
            self.set_back(task.id, permanent=permanent)
        else:
            self.refused(transitions.fail, task, "no luck")

    @precondition(lambda self: self.handles)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        task = self.any_handle(pick)
        if self.allowed(task):
            self.bus.run(transitions.release, task, "stopped")
            self.update(
                task.id,
                state=State.REQUEST,
                max_attempts=self.model[task.id].max_attempts + 1,
                not_before=self.clock.now(),
            )
        else:
            self.refused(transitions.release, task, "stopped")

    # -- time and accidents

    @rule(seconds=st.sampled_from([1, 20, 61, 300]))
    def time_passes(self, seconds: int) -> None:
        self.clock.shift(timedelta(seconds=seconds))

    @rule(lane=lanes, owner=owners)
    def an_owner_loses_its_task_and_takes_it_up_again(self, lane: str, owner: str) -> None:
        self.claim(lane, owner)
        self.time_passes(61)
        self.sweep()
        self.time_passes(300)
        self.claim(lane, owner)
        if len(self.handles) > 1:
            self.beat(1)  # with the handle before the last

    @rule(lane=lanes)
    def a_lane_fills_up(self, lane: str) -> None:
        for _ in range(CAPS[lane] + 1):
            self.request(lane, Priority.P1, 0, None, 2, None)
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
        if self.model[task.id].state is State.DEAD:
            self.resend(sorted(self.model).index(task.id))
            self.claim(task.lane, "s1")
            self.fail(0, permanent=False)

    @rule()
    def crash(self) -> None:
        """The process dies in the middle of a transaction, and another one starts."""
        self.bus.db.execute("BEGIN IMMEDIATE")
        halfway = Transaction.begun(self.bus.db, self.clock, self.ids)
        transitions.request(halfway, Request("one", "Never acknowledged."))
        transitions.claim(halfway, "three", cap=3, owner="s1")
        self.bus.close()
        self.bus = SyncBus(self.home, self.clock, self.ids)

    # -- what must hold after every step

    @invariant()
    def the_tasks_are_where_they_should_be(self) -> None:
        if not hasattr(self, "bus"):
            return
        actual = {task.id: task for task in self.bus.reader.tasks(limit=10_000)}
        assert actual.keys() == self.model.keys()
        for number, task in actual.items():
            seen = replace(
                self.model[number],
                state=task.state,
                outcome=task.outcome,
                attempt=task.attempt,
                max_attempts=task.max_attempts,
                not_before=task.not_before,
                deadline=task.deadline,
            )
            assert seen == self.model[number]
            if task.state is State.CONFIRMED:
                assert (task.owner, task.lease_until) == (seen.owner, seen.lease_until)

    @invariant()
    def no_lane_is_past_its_cap(self) -> None:
        if hasattr(self, "bus"):
            for lane, counts in self.bus.reader.counts().items():
                assert counts[State.CONFIRMED] <= CAPS[lane]

    @invariant()
    def the_log_tells_the_same_as_the_tasks(self) -> None:
        if not hasattr(self, "bus"):
            return
        for number, task in self.model.items():
            log = self.bus.reader.events(number)
            assert log[0].state is State.REQUEST
            last = (log[-1].state, log[-1].outcome, log[-1].attempt)
            assert last == (task.state, task.outcome, task.attempt)
            finals = sum(event.state is State.FINAL for event in log)
            assert finals == (task.state is State.FINAL)
            assert sum(event.state is State.CONFIRMED for event in log) == task.attempt

    @invariant()
    def finals_are_counted(self) -> None:
        if hasattr(self, "bus"):
            counted = sum(states[State.FINAL] for states in self.bus.reader.counts().values())
            assert counted == sum(task.state is State.FINAL for task in self.model.values())

    # -- the model's own steps

    def next_of(self, lane: str) -> str | None:
        now = self.clock.now()
        mine = {number: task for number, task in self.model.items() if task.lane == lane}
        if sum(task.state is State.CONFIRMED for task in mine.values()) >= CAPS[lane]:
            return None
        due = [
            (task.priority, task.not_before, number)
            for number, task in mine.items()
            if task.state is State.REQUEST
            and task.not_before <= now
            and (task.deadline is None or task.deadline > now)
        ]
        return min(due)[2] if due else None

    def set_back(self, number: str, *, permanent: bool = False) -> bool:
        """A failed attempt; True when the task may be tried again."""
        task = self.model[number]
        failures = task.failures + 1
        dead = permanent or failures >= task.budget
        pause = timedelta(0) if dead else RETRY_LADDER[min(failures, len(RETRY_LADDER)) - 1]
        self.update(
            number,
            state=State.DEAD if dead else State.REQUEST,
            failures=failures,
            not_before=self.clock.now() + pause,
        )
        return not dead

    def end(self, number: str, outcome: Outcome) -> None:
        self.update(number, state=State.FINAL, outcome=outcome)

    def update(self, number: str, **changes: object) -> None:
        self.model[number] = replace(self.model[number], **changes)  # type: ignore[arg-type]

    def allowed(self, handle: Task) -> bool:
        task = self.model[handle.id]
        held = (task.state, task.owner, task.attempt)
        return held == (State.CONFIRMED, handle.owner, handle.attempt)

    def refused(self, step: Callable[..., object], handle: Task, *arguments: object) -> None:
        before = self.bus.reader.last_seq()
        with pytest.raises(LeaseLost):
            self.bus.run(step, handle, *arguments)
        assert self.bus.reader.last_seq() == before

    def any_task(self, pick: int) -> str:
        return sorted(self.model)[pick % len(self.model)]

    def any_handle(self, pick: int) -> Task:
        return self.handles[-1 - pick % len(self.handles)]


TestBusMachine = BusMachine.TestCase
TestBusMachine.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
