"""Any order of calls, ends, nights and restarts: the limits hold, nothing leaks, sums are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from harness.clock import FakeClock
from harness.config.settings import LimitSettings, Price
from harness.models.limits.amount import Amount
from harness.models.limits.day import day_of
from harness.models.limits.limits import Limits, Reservation, Wanted
from harness.models.port import OverLimit, Usage

LIMITS = LimitSettings(
    tokens=20_000, agent=12_000, agents={"zoe": 15_000}, gpu=timedelta(minutes=10), money=0.2
)
PRICE = Price(prompt=5, completion=15)
ZONES = st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")])
agents = st.sampled_from(["scout", "zoe", "harness"])
START = datetime(2026, 3, 28, 20, tzinfo=UTC)  # the night after, Berlin's clocks change


class AnyDay(RuleBasedStateMachine):
    """The limits beside a ledger, which is what the calls really took."""

    calls: Bundle[Reservation] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(START)
        self.zone: tzinfo = UTC
        self.ledger: list[tuple[datetime, str, Amount]] = []
        # by day: what calls took that were counted larger, or slower, than they were held
        self.beyond: dict[date, Amount] = defaultdict(Amount)
        self.open: dict[int, Reservation] = {}
        self.limits = self.begin()

    def begin(self) -> Limits:
        return Limits(LIMITS, self.account, self.clock, self.zone)

    def account(self, day: date, zone: tzinfo) -> Mapping[str, Amount]:
        sums: dict[str, Amount] = defaultdict(Amount)
        for at, agent, amount in self.ledger:
            if day_of(at, zone) == day:
                sums[agent] += amount
        return sums

    @rule(
        target=calls,
        agent=agents,
        prompt=st.integers(0, 4_000),
        most=st.integers(0, 16_000),
        hosted=st.booleans(),
    )
    def reserve(
        self, agent: str, prompt: int, most: int, hosted: bool
    ) -> Reservation | MultipleResults[Reservation]:
        price = PRICE if hosted else None
        wanted = Wanted(agent, f"model-{hosted}", prompt, most, price, on_gpu=not hosted)
        try:
            reservation = self.limits.reserve(wanted)
        except OverLimit:
            return multiple()
        assert reservation.answer <= most
        self.open[reservation.id] = reservation
        return reservation

    @rule(call=calls, prompt=st.floats(0, 2), answer=st.floats(0, 1), measured=st.booleans())
    def settle(self, call: Reservation, prompt: float, answer: float, measured: bool) -> None:
        if self.open.get(call.id) is not call:
            return
        usage = Usage(int(call.wanted.prompt * prompt), int(call.answer * answer))
        timings = {"prompt": usage.prompt / 900, "eval": usage.completion / 25}
        spent = self.limits.settle(call, usage, timings if measured else None)
        self.ledger.append((call.at, call.wanted.agent, spent))
        over = spent - call.held
        day = day_of(call.at, self.zone)
        self.beyond[day] += Amount(max(over.tokens, 0), max(over.gpu, 0.0), max(over.money, 0.0))
        del self.open[call.id]

    @rule(call=calls)
    def free(self, call: Reservation) -> None:
        if self.open.get(call.id) is call:
            self.limits.free(call)
            del self.open[call.id]

    @rule(call=consumes(calls))
    def end_twice(self, call: Reservation) -> None:
        if self.open.get(call.id) is not call:
            return
        self.limits.free(call)
        del self.open[call.id]
        assert self.limits.settle(call, Usage(10, 10), {}) == Amount()

    @rule(hours=st.floats(0, 30))
    def let_time_pass(self, hours: float) -> None:
        self.clock.shift(timedelta(hours=hours))

    @rule()
    def set_the_clock_back(self) -> None:
        self.clock.shift(timedelta(hours=-1))

    @rule(zone=ZONES)
    def move(self, zone: tzinfo) -> None:
        self.zone = zone
        self.limits.apply(LIMITS, zone)

    @rule()
    def kill_and_start(self) -> None:
        self.open.clear()
        self.limits = self.begin()

    @invariant()
    def what_is_used_is_what_the_ledger_says(self) -> None:
        spent = self.account(day_of(self.clock.now(), self.zone), self.zone)
        for standing in self.limits.standing():
            assert abs(standing.used - standing.limit.taken(spent)) < 1e-6

    @invariant()
    def what_is_held_is_what_calls_under_way_hold(self) -> None:
        today = day_of(self.clock.now(), self.zone)
        held: dict[str, Amount] = defaultdict(Amount)
        for each in self.open.values():
            if day_of(each.at, self.zone) == today:
                held[each.wanted.agent] += each.held
        for standing in self.limits.standing():
            assert abs(standing.held - standing.limit.taken(held)) < 1e-6


class OneZone(AnyDay):
    """As above, but nobody moves to another zone, which would put two days into one."""

    @rule(zone=ZONES)
    def move(self, zone: tzinfo) -> None:
        self.limits.apply(LIMITS, self.zone)

    @invariant()
    def no_limit_is_passed_by_more_than_prompts_were_longer_than_thought(self) -> None:
        over = self.beyond[day_of(self.clock.now(), self.zone)]
        for standing in self.limits.standing():
            beyond = over.of(standing.limit.kind)
            assert standing.used + standing.held <= standing.limit.most + beyond + 1e-6


AnyDay.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
OneZone.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyDay = AnyDay.TestCase
TestOneZone = OneZone.TestCase
