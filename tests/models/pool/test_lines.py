"""The lines of waiting calls against a plain list of them."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.config.priority import Priority
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.view import Line, Spec, Why

CODER, WRITER = Spec("coder", 8192), Spec("writer", 8192)
HERE = frozenset({"local"})
P0, P1, P2 = Priority


def call(
    id: int,
    agent: str = "zoe",
    priority: Priority = P1,
    since: float | None = None,
    sent_back: bool = False,
) -> Waiting:
    since = float(id) if since is None else since
    return Waiting(id, CODER, HERE, agent, priority, since, sent_back=sent_back)


def filled(*calls: Waiting) -> Lines:
    lines = Lines()
    for each in calls:
        lines.push(each)
    return lines


def taken(lines: Lines, why: Why = Why.LOADED) -> list[int]:
    order = []
    while lines.views():
        order.append(lines.take(lines.views()[0], why).id)
    return order


def test_the_more_urgent_goes_first() -> None:
    lines = filled(call(1, priority=P2), call(2, priority=P1), call(3, priority=P0))

    assert taken(lines) == [3, 2, 1]


def test_a_hundred_calls_of_one_agent_do_not_keep_the_first_of_another_waiting() -> None:
    lines = filled(*(call(n, "busy") for n in range(100)), call(100, "shy"))

    assert taken(lines)[:3] == [0, 100, 1]


def test_agents_take_turns() -> None:
    lines = filled(*(call(n, "ab"[n >= 3]) for n in range(6)))

    assert taken(lines) == [0, 3, 1, 4, 2, 5]


def test_nobody_saves_up_turns_while_away() -> None:
    lines = filled(*(call(n, "busy") for n in range(10)))
    for _ in range(5):
        lines.take(lines.views()[0], Why.LOADED)
    for n in range(10, 14):
        lines.push(call(n, "late"))

    assert taken(lines)[:4] in ([5, 10, 6, 11], [10, 5, 11, 6])


def test_an_agent_that_asks_again_at_once_does_not_overtake_one_that_waits() -> None:
    lines = filled(call(0, "quick"), call(1, "slow"), call(2, "slow"), call(3, "slow"))
    order = []
    for n in range(4, 10):
        gone = lines.take(lines.views()[0], Why.LOADED)
        order.append(gone.agent)
        if gone.agent == "quick":
            lines.push(call(n, "quick"))

    assert order == ["quick", "slow", "quick", "slow", "quick", "slow"]


def test_cancelled_calls_are_no_turns() -> None:
    lines = filled(*(call(n, "hasty") for n in range(50)), call(50, "calm"), call(51, "calm"))
    for n in range(50):
        lines.cancel(n)
    lines.push(call(52, "hasty"))

    assert taken(lines).index(52) < 2


def test_one_that_was_sent_back_goes_to_the_front_of_its_priority() -> None:
    lines = filled(call(1), call(2, priority=P0), call(3, since=0.5, sent_back=True))

    assert taken(lines) == [2, 3, 1]


def test_by_age_the_oldest_goes_every_other_time() -> None:
    lines = filled(call(1, priority=P2), call(2, priority=P2), call(3), call(4))

    assert taken(lines, Why.AGED) == [1, 3, 2, 4]


def test_a_line_knows_since_when_its_oldest_waits() -> None:
    lines = filled(call(1, priority=P2, since=10), call(2, priority=P0, since=20))

    (view,) = lines.views()

    assert view == Line(CODER, HERE, 2, P0, since=10, came=20)


def test_the_next_oldest_counts_when_the_oldest_is_cancelled() -> None:
    lines = filled(call(1, since=10), call(2, since=20))

    lines.cancel(1)

    assert [view.since for view in lines.views()] == [20]


def test_other_hosts_and_other_limits_are_other_lines() -> None:
    lines = Lines()
    lines.push(Waiting(1, CODER, HERE, "zoe", P1, 0))
    lines.push(Waiting(2, CODER, frozenset({"local", "big"}), "zoe", P1, 0))
    lines.push(Waiting(3, CODER, HERE, "zoe", P1, 0, limit=1))
    lines.push(Waiting(4, WRITER, HERE, "zoe", P1, 0))

    assert [view.waiting for view in lines.views()] == [1, 1, 1, 1]


def test_a_line_without_calls_is_gone() -> None:
    lines = filled(call(1))

    lines.cancel(1)

    assert (lines.views(), len(lines), lines.cancel(1)) == ([], 0, None)


class LinesMachine(RuleBasedStateMachine):
    """Pushes, takes and cancels in any order; a plain list knows who is oldest and who is first."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = Lines()
        self.waiting: list[Waiting] = []
        self.ids = count()
        self.now = 0.0

    @rule(
        agent=st.sampled_from("abc"),
        priority=st.sampled_from(Priority),
        ago=st.floats(0, 9),
        sent_back=st.booleans(),
        spec=st.sampled_from([CODER, WRITER]),
    )
    def push(self, agent: str, priority: Priority, ago: float, sent_back: bool, spec: Spec) -> None:
        self.now += 1
        since = self.now - ago * sent_back
        each = Waiting(next(self.ids), spec, HERE, agent, priority, since, None, sent_back)
        self.lines.push(each)
        self.waiting.append(each)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        each = data.draw(st.sampled_from(self.waiting))
        assert self.lines.cancel(each.id) == each
        self.waiting.remove(each)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), why=st.sampled_from([Why.LOADED, Why.AGED]))
    def take(self, data: st.DataObject, why: Why) -> None:
        view = data.draw(st.sampled_from(self.lines.views()))
        each = self.lines.take(view, why)
        peers = [other for other in self.waiting if other.spec == view.spec]
        oldest = min(other.since for other in peers)
        best = min((other.priority, not other.sent_back) for other in peers)
        is_next = (each.priority, not each.sent_back) == best
        assert is_next or (why is Why.AGED and each.since == oldest)
        self.waiting.remove(each)

    @invariant()
    def views_are_exact(self) -> None:
        assert len(self.lines) == len(self.waiting)
        for view in self.lines.views():
            peers = [each for each in self.waiting if each.spec == view.spec]
            assert view.waiting == len(peers)
            assert view.since == min(each.since for each in peers)
            assert view.priority == min(each.priority for each in peers)
            assert view.came in {each.since for each in peers if each.priority is view.priority}


TestLinesMachine = LinesMachine.TestCase
