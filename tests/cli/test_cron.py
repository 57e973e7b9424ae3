"""cron next, list and history: what they say of pauses, rests, joins, jitter and absences."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from harness.bus import schedule
from harness.bus.port import Due, JobState, Outcome, Request, Result, SlotStatus
from harness.bus.runs import Run, run_of
from harness.bus.sync import SyncBus
from harness.bus.transitions import claim, final
from harness.cli.cron import read_schedule
from harness.clock import FakeClock
from harness.config.cronfile import Overlap
from harness.config.home import Home
from harness.ids import Ids
from tests.cli.conftest import Harness

LINES = """\
timezone: Europe/Berlin
jobs:
  night:   {agent: scout, cron: '30 2 * * *', prompt: Look.}
  shifted: {agent: scout, cron: '30 2 * * *', prompt: Look., jitter: 20m}
  fast:    {agent: scout, every: 10m, prompt: Look.}
  off:     {agent: scout, cron: '0 9 * * *', prompt: Look., enabled: false}
  past:    {agent: scout, at: 2020-01-01T09:00, prompt: Look.}
  letter:  {agent: scout, after: [night, fast], prompt: Write.}
"""


@pytest.fixture
def crontab(home: Home, harness: Harness) -> str:
    home.cron_file.write_text(LINES)
    return LINES


def slots(harness: Harness, *arguments: str) -> list[tuple[str, str]]:
    rows = harness("cron", "next", *arguments, "--json").document
    return [(row["job"], row["slot"]) for row in rows]


def at(home: Home, moment: datetime) -> SyncBus:
    """The bus as it was at a moment."""
    clock = FakeClock(moment)
    return SyncBus(home, clock, Ids(clock))


@pytest.mark.usefixtures("crontab")
def test_next_tells_a_fold_and_a_gap_as_they_fire(harness: Harness) -> None:
    assert slots(harness, "night", "--from", "2026-10-24T12:00", "--limit", "2") == [
        ("night", "2026-10-25T02:30:00+02:00"),
        ("night", "2026-10-26T02:30:00+01:00"),
    ]
    assert slots(harness, "night", "--from", "2027-03-27T12:00", "--limit", "2") == [
        ("night", "2027-03-28T03:00:00+02:00"),
        ("night", "2027-03-29T02:30:00+02:00"),
    ]


@pytest.mark.usefixtures("crontab")
def test_next_tells_a_slot_with_its_jitter(harness: Harness, home: Home) -> None:
    ((_, plain),) = slots(harness, "night", "--from", "2026-06-01T12:00", "--limit", "1")
    ((_, shifted),) = slots(harness, "shifted", "--from", "2026-06-01T12:00", "--limit", "1")

    offset = read_schedule(home).jobs["shifted"].offset
    assert timedelta(0) < offset <= timedelta(minutes=20)
    assert datetime.fromisoformat(shifted) - datetime.fromisoformat(plain) == offset


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ("off", "off is not enabled in cron.yaml"),
        ("past", "past: at 2020-01-01T09:00 has passed; it fires no more"),
        ("letter", "it fires after night, fast, once they are over"),
    ],
)
@pytest.mark.usefixtures("crontab")
def test_next_says_why_a_job_has_no_slots(harness: Harness, job: str, why: str) -> None:
    said = harness("cron", "next", job, "--json")

    assert (said.code, said.document) == (0, [])
    assert why in said.err


@pytest.mark.usefixtures("crontab")
def test_next_leaves_a_paused_job_out_until_it_goes_on(harness: Harness) -> None:
    harness("cron", "pause", "fast")
    resting = harness("cron", "next", "--json", "--limit", "50")

    assert "fast" not in {row["job"] for row in resting.document}
    assert "fast is paused: its slots are skipped until: harness cron resume fast" in resting.err
    assert slots(harness, "fast") == []
    row = next(row for row in harness("cron", "list", "--json").document if row["job"] == "fast")
    assert (row["paused"], row["enabled"], row["next_run"]) == (True, True, None)

    harness("cron", "resume", "fast")
    assert len(slots(harness, "fast", "--limit", "3")) == 3


@pytest.mark.usefixtures("crontab")
def test_next_says_that_a_busy_job_lets_slots_go(harness: Harness, home: Home) -> None:
    task = harness("cron", "run", "fast", "--json").document["id"]
    assert f"fast is busy with task {task}" in harness("cron", "next", "fast", "--json").err

    with at(home, datetime.now(UTC)) as bus:
        held = bus.run(claim, "scout", cap=1, owner="test")
        assert held is not None
        bus.run(final, held, Outcome.DONE, Result())
    assert harness("cron", "next", "fast", "--json").err == ""


def settled(bus: SyncBus, job: str, *dues: Due, overlap: Overlap = Overlap.SKIP) -> None:
    bus.run(schedule.settle, job, dues, overlap)


@pytest.mark.usefixtures("crontab")
def test_history_tells_how_each_slot_ended_and_why(harness: Harness, home: Home) -> None:
    begin = datetime(2026, 6, 1, 12, tzinfo=UTC)
    ten, ask = timedelta(minutes=10), Request("scout", "Look.", sender="cron")
    late, on_time = timedelta(days=2), timedelta(milliseconds=40)
    with at(home, begin) as bus:
        run = Due(
            begin, late, SlotStatus.MISSED, None, "nobody was there in time", 4000, begin - late
        )
        settled(bus, "fast", run)
        settled(bus, "fast", Due(begin + ten, on_time, SlotStatus.FIRED, ask))
        settled(bus, "fast", Due(begin + 2 * ten, on_time, SlotStatus.FIRED, ask))
        bus.pause("fast")
        settled(bus, "fast", Due(begin + 3 * ten, on_time, SlotStatus.FIRED, ask))
        (task,) = bus.reader.tasks(job="fast")

    rows = harness("cron", "history", "fast", "--json").document
    table = harness("cron", "history", "fast").out

    assert [(row["status"], row["note"], row["task"]) for row in rows[:3]] == [
        ("skipped", "paused", None),
        ("skipped", "the task before is not over", None),
        ("fired", None, task.id),
    ]
    assert (rows[3]["status"], rows[3]["count"], rows[3]["lateness_ms"]) == (
        *("missed", 4000, 172_800_000),
    )
    assert datetime.fromisoformat(rows[3]["first"]) == begin - late
    assert [datetime.fromisoformat(row["slot"]) for row in rows] == [
        begin + number * ten for number in (3, 2, 1, 0)
    ]
    assert rows[2]["count"] == 1
    assert "Mon 2026-06-01 14:30 CEST" in table  # the job's zone
    assert "nobody was there in time; one row for 4000 slots since" in table


@pytest.mark.usefixtures("crontab")
def test_history_says_what_nobody_has_decided_yet(harness: Harness, home: Home) -> None:
    job = read_schedule(home).jobs["fast"]
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1, minutes=2)
    with at(home, an_hour_ago) as bus:
        bus.run(schedule.set_job, JobState("fast", job.fingerprint, an_hour_ago, paused=False))

    said = harness("cron", "history", "--json")

    assert said.document == []
    assert re.search(r"fast: [67] slots since .* await the crew", said.err)


def test_history_of_a_job_that_never_was_is_not_found(harness: Harness) -> None:
    said = harness("cron", "history", "mornin")

    assert said.code == 4
    assert "did you mean `morning`?" in said.err


def test_history_outlives_the_job_and_a_file_that_does_not_parse(
    harness: Harness, home: Home
) -> None:
    begin = datetime(2026, 6, 1, 12, tzinfo=UTC)
    with at(home, begin) as bus:
        settled(bus, "gone", Due(begin, timedelta(0), SlotStatus.MISSED, None, "away"))
        (slot,) = bus.reader.slots("gone")
    assert run_of(slot) == Run(1, begin)

    assert len(harness("cron", "history", "gone", "--json").document) == 1
    home.cron_file.write_text("jobs: [")
    broken = harness("cron", "history", "gone", "--json")

    assert len(broken.document) == 1
    assert "cron.yaml does not parse" in broken.err
