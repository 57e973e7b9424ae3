"""The limits of a day: who may ask, who may not, and what each is told."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from harness.clock import FakeClock
from harness.config.settings import LimitSettings, Price
from harness.models.limits.amount import Amount
from harness.models.limits.day import day_of
from harness.models.limits.limit import standings, sum_of_money
from harness.models.limits.limits import Limits, Reservation, Wanted
from harness.models.port import OverLimit, Usage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TIMED = {"prompt": 1.0, "eval": 2.0}


def nothing_yet(day: date, zone: tzinfo) -> Mapping[str, Amount]:
    return {}


def limits(settings: LimitSettings, clock: FakeClock | None = None, zone: tzinfo = UTC) -> Limits:
    return Limits(settings, nothing_yet, clock or FakeClock(NOON), zone)


def wanted(prompt: int = 100, most: int = 16_000, agent: str = "scout") -> Wanted:
    return Wanted(agent, "ollama/small", prompt, most)


def as_many_as_may(limits: Limits, call: Wanted) -> list[Reservation]:
    """Calls begun until one is refused."""
    begun: list[Reservation] = []
    with suppress(OverLimit):
        while len(begun) < 1_000:
            begun.append(limits.reserve(call))
    return begun


def test_without_a_limit_a_call_may_take_what_it_likes() -> None:
    reservation = limits(LimitSettings()).reserve(wanted(most=16_000))

    assert reservation.answer == 16_000


def test_what_is_not_needed_comes_back_and_what_is_used_stays() -> None:
    account = limits(LimitSettings(tokens=5_000))

    spent = account.settle(account.reserve(wanted()), Usage(120, 30), TIMED)

    (standing,) = account.standing()
    assert spent == Amount(tokens=150)
    assert (standing.used, standing.held) == (150, 0)


def test_a_call_that_was_never_made_costs_nothing() -> None:
    account = limits(LimitSettings(tokens=5_000))
    reservation = account.reserve(wanted())

    account.free(reservation)
    account.settle(reservation, Usage(120, 30), TIMED)

    (standing,) = account.standing()
    assert (standing.used, standing.held) == (0, 0)


def test_six_calls_that_might_be_long_do_not_eat_up_the_day() -> None:
    account = limits(LimitSettings(tokens=100_000))

    for _ in range(6):
        account.reserve(wanted(prompt=300, most=16_000))

    assert account.reserve(wanted(prompt=300, most=16_000)).answer >= 1024


def test_an_answer_near_the_limit_is_bounded_so_that_the_limit_holds() -> None:
    account = limits(LimitSettings(tokens=3_000))

    reservation = account.reserve(wanted(prompt=1000, most=16_000))

    assert 1024 <= reservation.answer <= 1650
    assert reservation.held.tokens <= 3_000


def test_calls_under_way_cannot_pass_the_limit_together() -> None:
    account = limits(LimitSettings(tokens=20_000))

    reservations = as_many_as_may(account, wanted(prompt=200, most=16_000))
    for each in reservations:
        account.settle(each, Usage(200, each.answer), TIMED)

    assert len(reservations) > 6
    assert account.standing()[0].used <= 20_000


def test_the_refusal_says_which_limit_whose_how_much_and_until_when() -> None:
    account = limits(LimitSettings(agents={"scout": 6_000}), zone=BERLIN)
    account.settle(account.reserve(wanted()), Usage(4_000, 500), TIMED)
    account.reserve(wanted(prompt=100, most=100))

    with pytest.raises(OverLimit) as refused:
        account.reserve(wanted(prompt=1_000))

    assert str(refused.value) == (
        "the limit of 6,000 tokens a day for scout leaves no room: 4,500 tokens are used,"
        " 235 tokens are held by calls under way, and this call may take 2,374 tokens;"
        " there is room again at 2026-03-03 00:00 Europe/Berlin"
    )
    assert refused.value.hint == (
        "raise `models.limits.agents.scout` in harness.yaml; it is taken up at once"
    )


def test_a_limit_smaller_than_a_single_call_says_so() -> None:
    account = limits(LimitSettings(agent=1_000))

    with pytest.raises(OverLimit, match="a day for scout is less than this call alone may take"):
        account.reserve(wanted(prompt=2_000))


def test_a_limit_is_told_once_a_day_however_often_it_refuses() -> None:
    clock = FakeClock(NOON)
    account = limits(LimitSettings(tokens=1_000), clock)

    with capture_logs() as logs:
        for moment in (0, 1, 86_400):
            clock.shift(timedelta(seconds=moment))
            for _ in range(3):
                with pytest.raises(OverLimit):
                    account.reserve(wanted(prompt=2_000))

    assert [log["limit"] for log in logs] == ["models.limits.tokens"] * 2


def test_an_agents_own_limit_is_nobody_elses() -> None:
    account = limits(LimitSettings(agent=4_000, agents={"zoe": 50_000}))
    account.settle(account.reserve(wanted(agent="scout")), Usage(3_000, 500), TIMED)

    account.reserve(wanted(agent="zoe", prompt=10_000))
    account.reserve(wanted(agent="ada"))

    with pytest.raises(OverLimit, match="for scout"):
        account.reserve(wanted(agent="scout"))


def test_the_house_itself_is_bound_by_what_is_said_of_it_and_not_as_an_agent() -> None:
    account = limits(LimitSettings(agent=500))
    account.reserve(wanted(agent="harness"))

    account.apply(LimitSettings(agent=100_000, agents={"harness": 500}), UTC)

    with pytest.raises(OverLimit, match="for harness"):
        account.reserve(wanted(agent="harness", prompt=1_000))


def test_time_of_the_gpu_is_counted_for_the_models_that_run_there() -> None:
    account = limits(LimitSettings(gpu=timedelta(minutes=5)))
    local = Wanted("scout", "ollama/big", 1_000, 2_000, on_gpu=True)
    other = Wanted("scout", "ollama/small", 1_000, 2_000, on_gpu=True)
    hosted = Wanted("scout", "openai/big", 1_000, 2_000)

    spent = account.settle(account.reserve(local), Usage(1_000, 9), {"prompt": 290.0, "eval": 9.0})

    assert spent.gpu == 299.0
    with pytest.raises(
        OverLimit, match=r"less than this call alone may take: 10m\d\ds of GPU time"
    ):
        account.reserve(local)
    with pytest.raises(OverLimit, match=r"4m59s of GPU time are used"):
        account.reserve(other)
    account.reserve(hosted)


def test_time_is_foreseen_as_the_model_was_lately() -> None:
    account = limits(LimitSettings(gpu=timedelta(minutes=50)))
    slow = Wanted("scout", "ollama/slow", 100, 100, on_gpu=True)
    first = account.reserve(slow).held.gpu
    for _ in range(3):
        account.settle(account.reserve(slow), Usage(100, 50), {"prompt": 10.0, "eval": 100.0})

    held = account.reserve(slow).held.gpu

    assert first < 10
    assert held == pytest.approx(100 * 0.1 + 100 * 2.0)


def test_money_is_counted_for_models_that_have_a_price() -> None:
    account = limits(LimitSettings(money=0.5))
    dear = Wanted("scout", "openai/dear", 10_000, 1_000, Price(prompt=10, completion=30))

    spent = account.settle(account.reserve(dear), Usage(20_000, 5_000), TIMED)

    assert spent.money == pytest.approx(0.35)
    with pytest.raises(OverLimit, match=r"0\.35 in money are used"):
        account.reserve(dear)
    account.reserve(wanted(prompt=10_000))


def test_no_money_at_all_stops_priced_models_alone() -> None:
    account = limits(LimitSettings(money=0))

    with pytest.raises(OverLimit, match="less than this call alone"):
        account.reserve(Wanted("scout", "openai/dear", 10, 10, Price(prompt=1, completion=1)))
    account.reserve(wanted())


def test_an_answer_seen_to_be_long_needs_more_room() -> None:
    account = limits(LimitSettings(tokens=100_000))
    for _ in range(3):
        account.settle(account.reserve(wanted()), Usage(100, 8_000), TIMED)

    reservations = as_many_as_may(account, wanted())

    assert min(each.answer for each in reservations) == 12_000


def test_a_model_found_too_slow_for_the_limit_is_tried_again_the_next_day() -> None:
    clock = FakeClock(NOON)
    account = limits(LimitSettings(gpu=timedelta(minutes=5)), clock)
    slow = Wanted("scout", "ollama/slow", 1_000, 2_000, on_gpu=True)
    account.settle(account.reserve(slow), Usage(1_000, 10), {"prompt": 250.0, "eval": 100.0})

    with pytest.raises(OverLimit):
        account.reserve(slow)
    clock.shift(timedelta(days=1))

    assert account.reserve(slow).answer > 0


def test_prompts_that_turned_out_larger_are_held_larger() -> None:
    account = limits(LimitSettings(tokens=100_000))
    for _ in range(3):
        account.settle(account.reserve(wanted(prompt=100)), Usage(180, 10), TIMED)

    reservation = account.reserve(wanted(prompt=1_000, most=100))

    assert reservation.held.tokens == 1_900


@pytest.mark.parametrize(
    ("noon", "hours"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 23),  # 29 March begins in Berlin; it has 23 hours
        (datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), 24),
    ],
)
def test_a_day_is_as_long_as_it_is_in_the_zone_of_the_crew(noon: datetime, hours: int) -> None:
    clock = FakeClock(noon)
    account = limits(LimitSettings(tokens=3_000), clock, BERLIN)
    account.settle(account.reserve(wanted()), Usage(2_900, 90), TIMED)

    clock.shift(timedelta(hours=hours, seconds=-1))
    with pytest.raises(OverLimit):
        account.reserve(wanted())
    clock.shift(timedelta(seconds=1))

    assert account.reserve(wanted()).held.tokens > 0


def test_a_day_that_has_no_midnight_begins_when_it_begins() -> None:
    clock = FakeClock(datetime(2026, 9, 5, 12, tzinfo=UTC))
    spent = {"scout": Amount(tokens=1)}
    zone = ZoneInfo("America/Santiago")
    account = Limits(LimitSettings(tokens=1), lambda day, zone: spent, clock, zone)

    with pytest.raises(OverLimit) as refused:
        account.reserve(Wanted("scout", "ollama/small", 0, 1))

    assert "room again at 2026-09-06 01:00 America/Santiago" in str(refused.value)


def test_a_call_over_midnight_counts_on_the_day_on_which_it_began() -> None:
    clock = FakeClock(datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    account = limits(LimitSettings(tokens=5_000), clock)
    late = account.reserve(wanted())

    clock.shift(timedelta(minutes=2))
    today = account.standing()[0]
    account.settle(late, Usage(4_000, 900), TIMED)

    assert (today.used, today.held) == (0, 0)
    assert account.standing()[0].used == 0
    clock.shift(timedelta(minutes=-2))
    assert account.standing()[0].used == 4_900


def test_after_a_restart_the_day_goes_on_from_the_ledger() -> None:
    ledger = {date(2026, 3, 2): {"scout": Amount(tokens=2_000)}}
    settings = LimitSettings(tokens=3_000)
    account = Limits(settings, lambda day, zone: ledger.get(day, {}), FakeClock(NOON), UTC)

    with pytest.raises(OverLimit, match="2,000 tokens are used"):
        account.reserve(wanted())


def test_a_ledger_that_cannot_be_read_stops_nobody_and_is_told() -> None:
    def broken(day: date, zone: tzinfo) -> Mapping[str, Amount]:
        raise OSError("disk I/O error")

    account = Limits(LimitSettings(tokens=10_000), broken, FakeClock(NOON), UTC)

    with capture_logs() as logs:
        account.reserve(wanted())

    assert "disk I/O error" in logs[0]["error"]


def test_another_limit_holds_from_the_next_call_on() -> None:
    account = limits(LimitSettings(tokens=1_000))
    with pytest.raises(OverLimit):
        account.reserve(wanted(prompt=1_000))

    account.apply(LimitSettings(tokens=10_000), UTC)

    assert account.reserve(wanted(prompt=1_000)).held.tokens > 1_000


def test_another_zone_counts_the_day_anew_with_what_is_under_way() -> None:
    clock, asked = FakeClock(NOON), []

    def ledger(day: date, zone: tzinfo) -> Mapping[str, Amount]:
        asked.append((day, zone))
        return {}

    account = Limits(LimitSettings(tokens=50_000), ledger, clock, UTC)
    reservation = account.reserve(wanted())
    account.apply(account.settings, BERLIN)

    held = account.standing()[0].held
    account.settle(reservation, Usage(100, 20), TIMED)

    assert held == reservation.held.tokens
    assert (account.standing()[0].used, account.standing()[0].held) == (120, 0)
    assert asked[-1] == (day_of(NOON, BERLIN), BERLIN)


def test_a_call_that_broke_off_is_settled_by_what_is_known() -> None:
    account = limits(LimitSettings(gpu=timedelta(hours=1)))
    reservation = account.reserve(Wanted("scout", "ollama/big", 1_000, 2_000, on_gpu=True))

    spent = account.settle(reservation, Usage(1_000, 20, estimated=True))

    assert spent.tokens == 1_020
    assert spent.gpu == pytest.approx(1_000 / 500 + 20 / 20)


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0.00"), (0.5, "0.50"), (0.0312, "0.0312"), (0.00125, "0.00125"), (1234.5, "1,234.50")],
)
def test_small_sums_of_money_are_told_to_three_digits(number: float, told: str) -> None:
    assert sum_of_money(number) == told


def test_standings_tell_of_all_and_of_each_agent() -> None:
    settings = LimitSettings(tokens=100_000, agent=10_000, agents={"zoe": 50_000}, money=2)
    spent = {"scout": Amount(9_500, money=0.5), "zoe": Amount(1_000)}

    told = [standing.text for standing in standings(settings, spent)]

    assert told == [
        "10,500 of 100,000 tokens a day used (all agents together)",
        "0.50 of 2.00 in money a day used (all agents together)",
        "9,500 of 10,000 tokens a day used (scout)",
        "1,000 of 50,000 tokens a day used (zoe)",
    ]
    assert [each.is_nearly_used for each in standings(settings, spent)] == [
        False,
        False,
        True,
        False,
    ]
