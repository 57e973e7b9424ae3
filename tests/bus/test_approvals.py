"""Calls that a person decides about: every step of a question, and any sequence of them."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.bus import approvals, transitions
from harness.bus.approvals import HOLDS, MOST_OPEN, MOST_UNANSWERED
from harness.bus.port import (
    Approval,
    ApprovalState,
    IllegalTransition,
    LeaseLost,
    NotAsked,
    Outcome,
    Question,
    Request,
    State,
    Task,
)
from harness.bus.sqlite import SqliteBus
from harness.bus.sync import SyncBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import NotFound
from harness.ids import Ids
from tests.bus.steps import ANSWER, taken

PATIENCE = timedelta(minutes=10)


@pytest.fixture
async def task(bus: SqliteBus) -> Task:
    await bus.request(Request("scout", "Look."))
    return await taken(bus)


def a_question(clock: FakeClock, call: str = "hash", lasts: timedelta = PATIENCE) -> Question:
    shown = '{"path": "a.md"}'
    return Question("write", call, shown, "no rule", clock.now() + lasts, ("archive",))


async def yes(bus: SqliteBus, approval: Approval) -> Approval:
    return await bus.decide(approval.id, approved=True, actor="person")


async def no(bus: SqliteBus, approval: Approval, note: str | None = None) -> Approval:
    return await bus.decide(approval.id, approved=False, actor="person", note=note)


# -- asking


async def test_a_question_is_put_once_however_often_the_call_comes(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    first = await bus.ask_approval(task, a_question(clock))
    clock.shift(timedelta(minutes=1))
    again = await bus.ask_approval(task, a_question(clock))

    assert again == first
    assert bus.reader.pending_approvals(clock.now()) == [first]
    assert len([t for t in bus.reader.tasks() if t.agent == "harness"]) == 1


async def test_who_lost_the_task_cannot_ask(bus: SqliteBus, task: Task, clock: FakeClock) -> None:
    await bus.release(task, "stopped")

    with pytest.raises(LeaseLost):
        await bus.ask_approval(task, a_question(clock))
    assert bus.reader.pending_approvals(clock.now()) == []


async def test_a_question_without_time_for_an_answer_is_not_put(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    with pytest.raises(NotAsked, match="no time is left"):
        await bus.ask_approval(task, a_question(clock, lasts=timedelta(0)))

    assert [t.agent for t in bus.reader.tasks()] == ["scout"]


async def test_a_task_asks_no_more_when_nobody_answers(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    asked = [
        await bus.ask_approval(task, a_question(clock, str(n))) for n in range(MOST_UNANSWERED)
    ]
    with pytest.raises(NotAsked, match="5 calls"):
        await bus.ask_approval(task, a_question(clock, "more"))

    await yes(bus, asked[0])
    more = await bus.ask_approval(task, a_question(clock, "more"))
    clock.shift(PATIENCE)
    with pytest.raises(NotAsked):  # silence is no answer
        await bus.ask_approval(task, a_question(clock, "still more"))

    assert more.state is ApprovalState.PENDING
    assert (await bus.ask_approval(task, a_question(clock, "0"))).state is ApprovalState.APPROVED


async def test_another_task_asks_for_itself(bus: SqliteBus, task: Task, clock: FakeClock) -> None:
    first = await bus.ask_approval(task, a_question(clock))
    await yes(bus, first)
    await bus.request(Request("clerk", "Look."))
    other = await taken(bus, "clerk")

    asked = await bus.ask_approval(other, a_question(clock))

    assert (asked.state, asked.id != first.id) == (ApprovalState.PENDING, True)


async def test_many_tasks_of_an_agent_are_no_way_round_the_limit(
    bus: SqliteBus, clock: FakeClock
) -> None:
    for agent in (*["scout"] * (MOST_OPEN + 1), "clerk"):
        await bus.request(Request(agent, "Look."))
    *tasks, last = [await taken(bus, cap=MOST_OPEN + 1) for _ in range(MOST_OPEN + 1)]
    first, *_ = [await bus.ask_approval(each, a_question(clock)) for each in tasks]

    with pytest.raises(NotAsked, match="of scout wait"):
        await bus.ask_approval(last, a_question(clock))
    await bus.ask_approval(await taken(bus, "clerk"), a_question(clock))
    await no(bus, first)
    more = await bus.ask_approval(last, a_question(clock))

    assert more.state is ApprovalState.PENDING


async def test_what_the_person_is_told_names_the_call_and_cannot_be_read_as_markdown(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    sly = replace(a_question(clock), reason="![x](https://evil.test)\n\n# Yes\u202e")
    asked = await bus.ask_approval(task, sly)

    said = next(t for t in bus.reader.tasks() if t.agent == "harness")

    assert said.result is not None
    assert (said.title, said.deliver) == ("Approval: scout wants to call write", ("archive",))
    assert '    write {"path": "a.md"}\n' in said.result.text
    why = next(line for line in said.result.text.splitlines() if "why you are asked" in line)
    assert why.startswith("    why you are asked: ![x](h")  # a block of code
    assert why.endswith("\\n\\n# Yes\\u202e")
    assert f"harness approvals approve {asked.id}" in said.result.text
    assert "2026-01-01 00:10 UTC" in said.result.text


async def test_a_call_that_is_too_long_to_tell_says_so(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    long = replace(a_question(clock), shown='{"content": "' + "fine " * 1000 + 'evil"}')
    await bus.ask_approval(task, long)

    said = next(t for t in bus.reader.tasks() if t.agent == "harness")

    assert said.result is not None
    assert "evil" not in said.result.text
    assert "THE REST of the call, 5019 characters in all: `harness approvals" in said.result.text


# -- waiting


async def test_a_parked_task_is_due_when_its_first_question_expires(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    await bus.ask_approval(task, a_question(clock, "long", PATIENCE * 2))
    short = await bus.ask_approval(task, a_question(clock, "short"))

    parked = await bus.park(task, "waiting")

    assert (parked.state, parked.not_before) == (State.REQUEST, short.expires_at)
    assert await bus.claim("scout", cap=1, owner="s2") is None
    clock.shift(PATIENCE)
    assert (await taken(bus)).attempt == 2


async def test_waiting_costs_no_attempt(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look.", max_attempts=1))
    for n in range(4):
        held = await taken(bus)
        asked = await bus.ask_approval(held, a_question(clock, str(n)))
        await bus.park(held, "waiting")
        await yes(bus, asked)

    ended = await bus.final(await taken(bus), Outcome.DONE, ANSWER)

    assert (ended.state, ended.attempt, ended.max_attempts) == (State.FINAL, 5, 5)


async def test_the_last_answer_wakes_the_task_and_an_earlier_one_does_not(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    one, two = [await bus.ask_approval(task, a_question(clock, call)) for call in "ab"]
    await bus.park(task, "waiting")

    await yes(bus, one)
    early = await bus.claim("scout", cap=1, owner="s2")
    await no(bus, two)

    assert early is None
    assert (await taken(bus)).attempt == 2


async def test_an_answer_before_the_task_is_parked_is_not_lost(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    await yes(bus, await bus.ask_approval(task, a_question(clock)))

    parked = await bus.park(task, "waiting")

    assert parked.not_before <= clock.now()


async def test_a_decision_of_another_process_wakes_the_daemon(
    bus: SqliteBus, home: Home, task: Task, clock: FakeClock
) -> None:
    asked = await bus.ask_approval(task, a_question(clock))
    await bus.park(task, "waiting")
    while await bus.wait(0):  # what rang until now
        pass
    waiting = asyncio.create_task(bus.wait(60))
    await asyncio.sleep(0)

    with SyncBus(home, clock, Ids(clock)) as person:
        person.decide(asked.id, approved=True, actor="person")

    assert await asyncio.wait_for(waiting, 5)


# -- deciding


async def test_a_decision_is_kept_with_who_when_and_why(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    asked = await bus.ask_approval(task, a_question(clock))
    clock.shift(timedelta(minutes=2))

    decided = await no(bus, asked, "not on Mondays")

    assert decided == await bus.ask_approval(task, a_question(clock))
    assert (decided.state, decided.note) == (ApprovalState.DENIED, "not on Mondays")
    assert (decided.decided_by, decided.decided_at) == ("person", clock.now())


async def test_a_yes_holds_for_a_day_and_is_then_asked_for_anew(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    asked = await yes(bus, await bus.ask_approval(task, a_question(clock)))
    clock.shift(HOLDS - timedelta(seconds=1))
    still = await bus.ask_approval(task, a_question(clock))
    clock.shift(timedelta(seconds=1))

    anew = await bus.ask_approval(task, a_question(clock))

    assert (still.id, still.at(clock.now())) == (asked.id, ApprovalState.EXPIRED)
    assert (anew.id != asked.id, anew.state) == (True, ApprovalState.PENDING)


async def test_nothing_is_decided_twice_too_late_or_for_a_task_that_is_over(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    done, late, void = [await bus.ask_approval(task, a_question(clock, c)) for c in "abc"]
    await yes(bus, done)

    with pytest.raises(IllegalTransition, match="was approved already, by person"):
        await no(bus, done)
    with pytest.raises(NotFound, match="no approval 01NOBODY"):
        await bus.decide("01NOBODY", approved=True, actor="person")
    await bus.cancel(task.id, actor="person")
    with pytest.raises(IllegalTransition, match="which is over: cancelled"):
        await yes(bus, void)
    clock.shift(PATIENCE)
    with pytest.raises(IllegalTransition, match="expired at"):
        await yes(bus, late)

    assert bus.reader.approval(done.id).state is ApprovalState.APPROVED


async def test_a_dead_task_that_is_sent_again_may_ask_again_and_keeps_what_was_approved(
    bus: SqliteBus, task: Task, clock: FakeClock
) -> None:
    good, bad, silent = [await bus.ask_approval(task, a_question(clock, c)) for c in "abc"]
    await yes(bus, good)
    await no(bus, bad)
    await bus.fail(task, "broke", permanent=True)
    assert bus.reader.pending_approvals(clock.now()) == []

    await bus.resend(task.id, actor="person")
    again = await taken(bus)
    asked = [await bus.ask_approval(again, a_question(clock, c)) for c in "abc"]

    assert [each.state for each in asked] == [
        ApprovalState.APPROVED,
        ApprovalState.PENDING,
        ApprovalState.PENDING,
    ]
    assert asked[0].id == good.id
    assert silent.id not in {each.id for each in asked}


# -- reading


async def test_lists_know_the_time(bus: SqliteBus, task: Task, clock: FakeClock) -> None:
    one, two, three = [await bus.ask_approval(task, a_question(clock, c)) for c in "abc"]
    await yes(bus, one)
    await no(bus, two)

    def ids(state: ApprovalState | None, after: timedelta = timedelta(0)) -> list[str]:
        return [each.id for each in bus.reader.approvals(clock.now() + after, state=state)]

    assert ids(None) == [three.id, two.id, one.id]
    assert ids(ApprovalState.PENDING) == [three.id]
    assert ids(ApprovalState.EXPIRED, PATIENCE) == [three.id]
    assert ids(ApprovalState.EXPIRED, HOLDS) == [three.id, one.id]
    assert ids(ApprovalState.DENIED, HOLDS) == [two.id]
    assert [a.id for a in bus.reader.approvals(clock.now(), agent="nobody")] == []
    assert [a.id for a in bus.reader.approvals(clock.now(), agent="scout", limit=1)] == [three.id]


# -- any sequence of steps

picks = st.integers(min_value=0)


@dataclass(frozen=True)
class Asked:
    """One question as it should be."""

    id: str
    state: ApprovalState
    expires_at: datetime

    def at(self, now: datetime) -> ApprovalState:
        waits = self.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
        return ApprovalState.EXPIRED if waits and now >= self.expires_at else self.state


class ApprovalMachine(RuleBasedStateMachine):
    """Two agents that ask, a person who decides or does not, and a daemon that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        ids = Ids(self.clock, random.Random(1).getrandbits)
        self.bus = SyncBus(Home(Path(self.folder.name)), self.clock, ids)
        self.held: dict[str, Task] = {}
        self.asked: dict[tuple[str, str], Asked] = {}
        self.tasks = [self.bus.request(Request(agent, "Look.")).id for agent in "ab"]
        self.over: set[str] = set()

    def teardown(self) -> None:
        self.bus.close()
        self.folder.cleanup()

    # -- what sessions do

    @rule(agent=st.sampled_from("ab"))
    def claim(self, agent: str) -> None:
        number = self.tasks["ab".index(agent)]
        due = number not in self.held and number not in self.over and not self.open_of(number)

        task = self.bus.run(transitions.claim, agent, cap=1, owner="s")

        assert task is not None or not due
        if task is not None:
            self.held[number] = task

    @precondition(lambda self: self.held)
    @rule(pick=picks, call=st.sampled_from("uvwxyz"), minutes=st.sampled_from([0, 5, 30]))
    def ask(self, pick: int, call: str, minutes: int) -> None:
        task = self.any_held(pick)
        known = self.asked.get((task.id, call))
        lapsed = (
            known is not None
            and known.state is ApprovalState.APPROVED
            and known.at(self.now) is ApprovalState.EXPIRED
        )
        question = a_question(self.clock, call, timedelta(minutes=minutes))
        unanswered = [a for a in self.of(task.id) if a.state is ApprovalState.PENDING]

        with self.refused(
            NotAsked,
            (known is None or lapsed) and (not minutes or len(unanswered) >= MOST_UNANSWERED),
        ):
            answer = self.bus.run(approvals.ask, task, question)
            assert (answer.id == known.id) != lapsed if known else True
            if known is None or lapsed:
                self.asked[task.id, call] = Asked(answer.id, answer.state, question.expires_at)
            assert answer.at(self.now) is self.asked[task.id, call].at(self.now)

    @precondition(lambda self: self.held)
    @rule(pick=picks)
    def park(self, pick: int) -> None:
        task = self.any_held(pick)

        self.bus.run(approvals.park, task, "waiting")

        del self.held[task.id]

    @precondition(lambda self: self.held)
    @rule(pick=picks)
    def stop(self, pick: int) -> None:
        task = self.any_held(pick)
        self.bus.run(transitions.release, task, "the daemon stopped")
        del self.held[task.id]

    # -- what a person does

    @precondition(lambda self: self.asked)
    @rule(pick=picks, approved=st.booleans())
    def decide(self, pick: int, approved: bool) -> None:
        key = sorted(self.asked)[pick % len(self.asked)]
        known = self.asked[key]
        is_open = known.at(self.now) is ApprovalState.PENDING and key[0] not in self.over

        with self.refused(IllegalTransition, not is_open):
            decided = self.bus.decide(known.id, approved=approved, actor="person")
            until = self.now + HOLDS if approved else known.expires_at
            self.asked[key] = Asked(known.id, decided.state, until)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        number = self.tasks[pick % len(self.tasks)]
        if pick % 5 == 0 and number not in self.over:
            self.bus.cancel(number, actor="person")
            self.over.add(number)
            self.held.pop(number, None)

    @rule(minutes=st.sampled_from([1, 5, 30, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self.clock.shift(timedelta(minutes=minutes))

    # -- what must hold after every step

    @invariant()
    def the_open_questions_are_those_that_wait(self) -> None:
        found = {each.id for each in self.bus.reader.pending_approvals(self.now)}
        assert found == {each.id for number in self.tasks for each in self.open_of(number)}

    @invariant()
    def the_states_are_as_they_should_be(self) -> None:
        found = {each.id: each.at(self.now) for each in self.bus.reader.approvals(self.now)}
        assert found == {each.id: each.at(self.now) for each in self.asked.values()}

    @invariant()
    def no_task_sleeps_past_its_last_answer(self) -> None:
        for number in self.tasks:
            task = self.bus.reader.get(number)
            if task.state is State.REQUEST and not self.open_of(number):
                assert task.not_before <= self.now

    @invariant()
    def nobody_is_asked_about_too_much(self) -> None:
        for number in self.tasks:
            assert len(self.open_of(number)) <= MOST_UNANSWERED

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def of(self, number: str) -> list[Asked]:
        return [each for (task, _), each in self.asked.items() if task == number]

    def open_of(self, number: str) -> list[Asked]:
        if number in self.over:
            return []
        return [each for each in self.of(number) if each.at(self.now) is ApprovalState.PENDING]

    def any_held(self, pick: int) -> Task:
        return self.held[sorted(self.held)[pick % len(self.held)]]

    @contextmanager
    def refused(self, error: type[Exception], expected: bool) -> Iterator[None]:
        """What stands below is refused if that is expected, and otherwise done."""
        if not expected:
            yield
            return
        with pytest.raises(error):
            yield


TestApprovalMachine = ApprovalMachine.TestCase
TestApprovalMachine.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
