"""The limits of the day, kept before the call: reserve, ask, settle.

A call that begins holds the most it may take: its prompt with a margin, and an answer of a stated
length, which the model is told. So calls under way cannot pass a limit together. What they hold
and do not need comes back when they settle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import count
from typing import TYPE_CHECKING

import structlog

from harness.clock import Clock
from harness.models.limits.amount import Amount, Rate
from harness.models.limits.day import Day, day_of, end_of
from harness.models.limits.limit import Limit, Standing, limits_of, standings
from harness.models.limits.pace import SHORTEST_ANSWER, Seen
from harness.models.port import OverLimit, Usage

if TYPE_CHECKING:
    from harness.config.settings import LimitSettings, Price

log = structlog.get_logger("limits")

# of the room that is left, what the answer of one call may hold beyond the length that is usual:
# so the first of several calls leaves three quarters to the others
PART = 4
DAYS_KEPT = 3  # clocks may be set back
AGAIN_SECONDS = 5.0  # until an account that could not be read is asked again

Account = Callable[[date, tzinfo], Mapping[str, Amount]]  # what each agent spent on a day


@dataclass(frozen=True)
class Wanted:
    """A call that somebody wants to make."""

    agent: str
    model: str  # provider/model
    prompt: int  # tokens, by estimate
    most: int  # tokens that the answer may have
    price: Price | None = None
    on_gpu: bool = False  # its time counts
    embeds: bool = False  # its tokens do not: it writes none, and reads many in no time


@dataclass(frozen=True)
class Reservation:
    """What a call holds until it is settled or freed."""

    id: int
    at: datetime
    wanted: Wanted
    held: Amount
    answer: int  # tokens: the answer must not have more


class Limits:
    """The account of all agents. Its methods do not wait, so that calls of one event loop cannot
    come between a look and a reservation.

    A call counts on the day on which it was reserved. The sums of a day begin with what the
    `account` says of it, at the first call of the day and after a restart.
    """

    def __init__(
        self, settings: LimitSettings, account: Account, clock: Clock, zone: tzinfo
    ) -> None:
        self.settings = settings
        self.account = account
        self.clock = clock
        self.zone = zone
        self._days: dict[date, Day] = {}
        self._open: dict[int, Reservation] = {}
        self._ids = count(1)

    def apply(self, settings: LimitSettings, zone: tzinfo) -> None:
        """Go on with other limits. Days of another zone are counted anew."""
        self.settings = settings
        if zone != self.zone:
            self.zone = zone
            self._days.clear()

    def reserve(self, wanted: Wanted) -> Reservation:
        """Hold what the call may take. Raises OverLimit, and then nothing is held."""
        now = self.clock.now()
        day = self._day(now)
        pace, rate = day.pace(wanted.model), rate_of(wanted, day)
        prompt = pace.prompt(wanted.prompt)
        answer: float = wanted.most
        taken = day.taken
        for limit in limits_of(self.settings, wanted.agent):
            if not rate.touches(limit.kind):
                continue
            room = limit.most - limit.taken(taken)
            fits = rate.answer_within(room, prompt, limit.kind)
            whole = rate.answer_within(limit.most, prompt, limit.kind)
            enough = min(wanted.most, pace.answer, max(whole, SHORTEST_ANSWER))
            if fits < enough:
                raise self._refusal(limit, day, now, rate.cost(prompt, int(enough)))
            answer = min(answer, max(enough, fits // PART))
        held = rate.cost(prompt, int(answer))
        reservation = Reservation(next(self._ids), now, wanted, held, int(answer))
        self._open[reservation.id] = reservation
        day.hold(wanted.agent, held)
        return reservation

    def settle(
        self, reservation: Reservation, usage: Usage, timings: Mapping[str, float] | None = None
    ) -> Amount:
        """What is held becomes what was really used, and that is given back for the books; nothing
        the second time. `timings` are those of a Reply; without them the time is guessed."""
        if not self._release(reservation):
            return Amount()
        wanted, day = reservation.wanted, self._day(reservation.at)
        spent = cost(wanted, day, usage, timings)
        day.spend(wanted.agent, spent)
        if timings is not None:
            day.pace(wanted.model).saw(seen(wanted, usage, timings))
        return spent

    def free(self, reservation: Reservation) -> None:
        """Give back what is held: nothing was asked of the model."""
        self._release(reservation)

    def standing(self) -> list[Standing]:
        """How far every limit is used up today."""
        day = self._day(self.clock.now())
        return standings(self.settings, day.spent, day.held)

    def _release(self, reservation: Reservation) -> bool:
        if reservation.id not in self._open:
            return False
        self._day(reservation.at).release(reservation.wanted.agent, reservation.held)
        del self._open[reservation.id]
        return True

    def _day(self, moment: datetime) -> Day:
        date = day_of(moment, self.zone)
        if date not in self._days:
            self._days[date] = self._opened(date)
            for old in sorted(self._days)[:-DAYS_KEPT]:
                if old != date:
                    del self._days[old]
        day = self._days[date]
        if day.read_at is not None and self.clock.monotonic() >= day.read_at:
            self._read(day, date)
        return day

    def _opened(self, date: date) -> Day:
        day = Day()
        self._read(day, date)
        for each in self._open.values():
            if day_of(each.at, self.zone) == date:
                day.hold(each.wanted.agent, each.held)
        return day

    def _read(self, day: Day, date: date) -> None:
        """Begin with what the account says. Where it cannot be read the day counts from zero
        until it can: books stop no answer."""
        try:
            day.begin(self.account(date, self.zone))
        except Exception as error:  # the boundary, see above
            if day.read_at is None:
                log.warning("limits count from zero: the ledger cannot be read", error=str(error))
            day.read_at = self.clock.monotonic() + AGAIN_SECONDS

    def _refusal(self, limit: Limit, day: Day, now: datetime, needed: Amount) -> OverLimit:
        error = refusal(limit, day, needed.of(limit.kind), self._again(now))
        mark = f"{limit.key} {limit.agent}"
        if mark not in day.told:
            day.told.add(mark)
            log.warning("a limit of the day is reached", limit=limit.key, reason=str(error))
        return error

    def _again(self, now: datetime) -> str:
        again = end_of(day_of(now, self.zone), self.zone).astimezone(self.zone)
        return f"{again:%Y-%m-%d %H:%M} {getattr(self.zone, 'key', self.zone)}"


def rate_of(wanted: Wanted, day: Day) -> Rate:
    """What a token of the call takes, by its price and as the model was on that day."""
    if not wanted.on_gpu:
        return untimed(wanted)
    pace = day.pace(wanted.model)
    return Rate.of(wanted.price, pace.prompt_s, pace.completion_s, counts=not wanted.embeds)


def untimed(wanted: Wanted) -> Rate:
    return Rate.of(wanted.price, counts=not wanted.embeds)


def cost(wanted: Wanted, day: Day, usage: Usage, timings: Mapping[str, float] | None) -> Amount:
    """What the call took; its time is guessed where nobody measured it."""
    if timings is None:
        return rate_of(wanted, day).cost(usage.prompt, usage.completion)
    seconds = timings.get("prompt", 0.0) + timings.get("eval", 0.0) if wanted.on_gpu else 0.0
    return untimed(wanted).cost(usage.prompt, usage.completion) + Amount(gpu=seconds)


def seen(wanted: Wanted, usage: Usage, timings: Mapping[str, float]) -> Seen:
    return Seen(
        wanted.prompt,
        0 if usage.estimated else usage.prompt,
        usage.completion,
        timings.get("prompt", 0.0),
        timings.get("eval", 0.0),
    )


def refusal(limit: Limit, day: Day, needed: float, again: str) -> OverLimit:
    """The error that says which limit, whose, how far it is used, and when there is room again."""
    used, held = limit.taken(day.spent), limit.taken(day.held)
    bound = f"the limit of {limit.worded(limit.most)} a day for {limit.whose}"
    hint = f"raise `{limit.key}` in harness.yaml; it is taken up at once"
    if needed > limit.most:
        told = f"{bound} is less than this call alone may take: {limit.worded(needed)}"
        return OverLimit(told, hint=hint)
    under_way = f", {limit.worded(held)} are held by calls under way" if held > 0 else ""
    told = f"{bound} leaves no room: {limit.worded(used)} are used{under_way}"
    return OverLimit(
        f"{told}, and this call may take {limit.worded(needed)}; there is room again at {again}",
        hint=hint,
    )
