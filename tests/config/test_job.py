"""A job's slots: in order, none twice, none lost, in leap years and where clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config.crontab import read_crontab
from harness.config.job import Job

ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "UTC")
WHEN = (
    *("every: 1h", "every: 90m", "every: 1d", "every: 7s", "cron: '30 2 * * *'"),
    *("cron: '*/20 * * * *'", "cron: '0 0 29 2 *'", "cron: '0,30 0-4 * * sun,fri'"),
)
CHANGES = (datetime(2026, 3, 28, 12), datetime(2026, 4, 3, 12), datetime(2026, 9, 5, 12))
AUTUMN = (datetime(2026, 10, 24, 12), datetime(2026, 10, 28, 12), datetime(2028, 2, 28))


def job(folder: Path, line: str, zone: str) -> Job:
    text = f"jobs: {{a: {{agent: x, prompt: Go., timezone: {zone}, {line}}}}}\n"
    (folder / "cron.yaml").write_text(text)
    return read_crontab(folder / "cron.yaml").jobs["a"]


def dates(job: Job, start: datetime, count: int) -> list[str]:
    return [
        slot.astimezone(job.zone).date().isoformat() for slot in islice(job.slots(start), count)
    ]


@settings(max_examples=80, deadline=None)
@given(
    when=st.sampled_from(WHEN),
    zone=st.sampled_from(ZONES),
    jitter=st.sampled_from(["0s", "45m"]),
    start=st.sampled_from(CHANGES + AUTUMN),
    steps=st.integers(1, 200),
)
def test_slots_ascend_and_asking_again_from_any_of_them_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
    when: str,
    zone: str,
    jitter: str,
    start: datetime,
    steps: int,
) -> None:
    asked = job(tmp_path_factory.mktemp("home"), f"{when}, jitter: {jitter}", zone)

    series = list(islice(asked.slots(start.replace(tzinfo=UTC)), steps + 3))

    assert all(later > sooner for sooner, later in pairwise(series))
    assert list(islice(asked.slots(series[steps - 1]), 3)) == series[steps:]
    just_before = series[steps] - timedelta(microseconds=1)
    assert next(asked.slots(just_before)) == series[steps]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("month", [3, 4, 9, 10])
def test_a_period_is_real_time_through_gaps_and_folds(
    tmp_path: Path, zone: str, month: int
) -> None:
    start = datetime(2026, month, 1, tzinfo=UTC)
    until = start + timedelta(days=31)

    slots = list(takewhile(lambda s: s <= until, job(tmp_path, "every: 90m", zone).slots(start)))

    assert {later - sooner for sooner, later in pairwise(slots)} == {timedelta(minutes=90)}
    assert len(slots) == timedelta(days=31) / timedelta(minutes=90)


def test_a_leap_day_comes_in_leap_years_alone(tmp_path: Path) -> None:
    leap = job(tmp_path, "cron: '0 12 29 2 *'", "Europe/Berlin")

    found = dates(leap, datetime(2026, 1, 1, tzinfo=UTC), 3)

    assert found == ["2028-02-29", "2032-02-29", "2036-02-29"]


def test_a_daily_job_runs_through_a_leap_day(tmp_path: Path) -> None:
    daily = job(tmp_path, "cron: '@daily'", "America/Los_Angeles")

    assert dates(daily, datetime(2028, 2, 27, 12, tzinfo=UTC), 4) == [
        *("2028-02-28", "2028-02-29", "2028-03-01", "2028-03-02")
    ]
    assert dates(daily, datetime(2027, 2, 27, 12, tzinfo=UTC), 2) == ["2027-02-28", "2027-03-01"]
