"""Slots against `cronsim`, an independent reading of Debian's cron."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.cronline import Cronline

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata"),
    *("Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Antarctica/Troll"),
    *("America/Nuuk", "Europe/London", "Pacific/Apia", "Africa/Casablanca", "Asia/Beirut"),
)
# for starred times the oracle steps by whole hours and by midnights, and goes astray where a
# clock moves by half an hour or a gap swallows midnight; all zones are held to `shown` besides
LOSES_ITS_PLACE = {"Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Asia/Beirut"}
HOUR = timedelta(hours=1)


def ours(line: str, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    slots = Cronline.parse(line).slots(zone, after)
    return list(takewhile(lambda slot: slot <= until, slots))


def oracle(line: str, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    slots = (slot.astimezone(UTC) for slot in CronSim(line, after.astimezone(zone)))
    # in the second hour of a fold it starts from the first, and tells what is past
    return [s for s in takewhile(lambda slot: slot <= until, slots) if s > after]


@pytest.mark.parametrize(
    "line",
    [
        *("30 2 * * *", "0 0 * * *", "*/15 */6 * * *", "15 */3 * * *", "30 7 * * 1-5"),
        *("0 1,2,3 * * 0", "0 12 13 * 5", "0 12 */2 * mon", "45 23 28-31 * *"),
        *("30 1-3 * 3,10 *", "0 0 1 */3 *", "5/20 0-2 * * *", "* 2 * 10 sun", "59 23 31 12 *"),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "America/Santiago"])
def test_a_year_of_slots_is_the_oracles(line: str, zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    until = start + timedelta(days=366)

    assert ours(line, ZoneInfo(zone), start, until) == oracle(line, ZoneInfo(zone), start, until)


def items(low: int, high: int) -> st.SearchStrategy[str]:
    value = st.integers(low, high)
    # the oracle takes `5-5/2` for `5/2`; cron takes it for `5`, and so do we
    ends = st.lists(value, min_size=2, max_size=2, unique=True).map(sorted)
    ranges = ends.map(lambda pair: f"{pair[0]}-{pair[1]}")
    stepped = st.tuples(st.one_of(st.just("*"), ranges, value.map(str)), st.integers(1, high))
    return st.one_of(value.map(str), ranges, stepped.map(lambda pair: f"{pair[0]}/{pair[1]}"))


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    lists = st.lists(items(low, high), min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), lists)


# both days allow at least half the month, so that a window of three days is not empty
LINES = st.tuples(
    fields(0, 59),
    st.one_of(fields(0, 23), fields(0, 4)),  # the hours in which clocks are changed
    st.sampled_from(["*", "*/2", "1-20", "5-31", "25-31", "1-8"]),
    st.sampled_from(["*", "*/2", "3-11", "3,4,10,11"]),
    st.sampled_from(["*", "*/2", "0-3", "5-7", "sat,sun", "7", "sun-fri"]),
).map(" ".join)


def transitions(zone: ZoneInfo) -> list[datetime]:
    """The hours of three years in which the clocks of a zone are changed."""
    days = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(3 * 365)]
    changed = [day for day in days if _changes(zone, day, timedelta(days=1))]
    hours = (day + timedelta(hours=hour) for day in changed for hour in range(24))
    return [hour + HOUR for hour in hours if _changes(zone, hour, HOUR)]


def _changes(zone: ZoneInfo, start: datetime, within: timedelta) -> bool:
    return start.astimezone(zone).utcoffset() != (start + within).astimezone(zone).utcoffset()


TRANSITIONS = {name: transitions(ZoneInfo(name)) for name in ZONES}
NO_CHANGE = [datetime(2026, 2, 27, 21, tzinfo=UTC)]


@st.composite
def moments(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and a moment less than 20 hours before a change of its clocks or just after."""
    zone = draw(st.sampled_from(ZONES))
    anchor = draw(st.sampled_from(TRANSITIONS[zone] or NO_CHANGE))
    return ZoneInfo(zone), anchor + timedelta(seconds=draw(st.integers(-20 * 3600, 3 * 3600)))


def starred(line: str) -> bool:
    minute, hour, *_ = line.split()
    return minute.startswith("*") or hour.startswith("*")


def shown(line: str, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Every minute at which the clocks of the zone show a time that the line names."""
    first = after.astimezone(zone).replace(tzinfo=None) - timedelta(hours=4)
    last = until.astimezone(zone).replace(tzinfo=None) + timedelta(hours=4)
    walls = set(takewhile(lambda wall: wall <= last, CronSim(line, first)))
    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    found = []
    while minute <= until:
        if minute.astimezone(zone).replace(tzinfo=None) in walls:
            found.append(minute)
        minute += timedelta(minutes=1)
    return found


@settings(max_examples=60, deadline=None)
@given(line=LINES.filter(lambda line: not starred(line)), moment=moments())
def test_fixed_times_around_a_change_of_clocks_are_the_oracles(
    line: str, moment: tuple[ZoneInfo, datetime]
) -> None:
    zone, after = moment
    until = after + timedelta(hours=26)

    assert ours(line, zone, after, until) == oracle(line, zone, after, until)


@settings(max_examples=60, deadline=None)
@given(line=LINES.filter(starred), moment=moments())
def test_starred_times_around_a_change_of_clocks_follow_the_clocks(
    line: str, moment: tuple[ZoneInfo, datetime]
) -> None:
    zone, after = moment
    until = after + timedelta(hours=26)

    assert ours(line, zone, after, until) == shown(line, zone, after, until)


@settings(max_examples=60, deadline=None)
@given(line=LINES.filter(starred), moment=moments())
def test_starred_times_around_a_change_of_clocks_are_the_oracles(
    line: str, moment: tuple[ZoneInfo, datetime]
) -> None:
    zone, after = moment
    assume(zone.key not in LOSES_ITS_PLACE)
    until = after + timedelta(hours=26)

    assert ours(line, zone, after, until) == oracle(line, zone, after, until)


def first(line: str, zone: str, after: datetime, count: int = 1) -> list[str]:
    slots = Cronline.parse(line).slots(ZoneInfo(zone), after)
    return [slot.astimezone(ZoneInfo(zone)).isoformat() for slot in islice(slots, count)]


def test_a_leap_day_that_must_be_a_sunday_is_found_over_decades() -> None:
    found = first("0 0 29 2 */7", "UTC", datetime(2033, 1, 1, tzinfo=UTC))

    assert found == ["2060-02-29T00:00:00+00:00"]


def test_a_time_in_a_gap_fires_once_at_its_end() -> None:
    found = first("0,30 2 * * *", "Europe/Berlin", datetime(2027, 3, 27, 12, tzinfo=UTC), 3)

    assert found == [
        "2027-03-28T03:00:00+02:00",
        "2027-03-29T02:00:00+02:00",
        "2027-03-29T02:30:00+02:00",
    ]


def test_a_fixed_time_in_a_fold_fires_the_first_time_only() -> None:
    found = first("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), 2)

    assert found == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]


def test_a_starred_minute_fires_all_through_a_fold() -> None:
    found = first("*/30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), 4)

    assert found == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
    ]


def test_the_second_hour_of_a_fold_is_no_place_to_lose() -> None:
    in_the_second_hour = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert first("30 2 * * *", "Europe/Berlin", in_the_second_hour) == ["2026-10-26T02:30:00+01:00"]
    assert first("*/30 2 * * *", "Europe/Berlin", in_the_second_hour) == [
        "2026-10-25T02:30:00+01:00"
    ]


@settings(max_examples=60, deadline=None)
@given(line=LINES, moment=moments(), steps=st.integers(1, 30))
def test_asking_again_from_any_slot_continues_the_same_series(
    line: str, moment: tuple[ZoneInfo, datetime], steps: int
) -> None:
    zone, after = moment
    parsed = Cronline.parse(line)

    series = list(islice(parsed.slots(zone, after), steps + 3))

    assert series == sorted(set(series))
    assert list(islice(parsed.slots(zone, series[steps - 1]), 3)) == series[steps:]
