"""cron.yaml: jobs with everything decided, faults with their place, slots that no restart moves."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.cronfile import Misfire, Overlap, Work
from harness.config.crontab import Crontab, read_crontab
from harness.errors import ConfigError, Problem

AGENTS = frozenset({"sentinel", "butler"})
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def crontab(tmp_path: Path, text: str) -> Crontab:
    path = tmp_path / "cron.yaml"
    path.write_text(text)
    return read_crontab(path, AGENTS)


def problems(tmp_path: Path, text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as raised:
        crontab(tmp_path, text)
    return raised.value.problems


def hours(slots: Iterable[datetime], count: int) -> list[str]:
    return [slot.strftime("%d %H:%M") for slot in islice(slots, count)]


def test_a_job_takes_the_defaults_of_the_file_for_what_it_does_not_say(tmp_path: Path) -> None:
    jobs = crontab(
        tmp_path,
        "timezone: Europe/Berlin\n"
        "defaults: {misfire: skip, overlap: queue, timeout: 5m, deliver: archive}\n"
        "jobs:\n"
        "  a: {agent: sentinel, cron: '0 7 * * *', prompt: Go.}\n"
        "  b: {agent: butler, cron: '0 7 * * *', prompt: Go., misfire: all, timezone: UTC}\n",
    ).jobs

    assert jobs["a"].line.misfire is Misfire.SKIP
    assert jobs["a"].line.overlap is Overlap.QUEUE
    assert jobs["a"].line.timeout == timedelta(minutes=5)
    assert jobs["a"].line.deliver == ["archive"]
    assert jobs["b"].line.misfire is Misfire.ALL
    assert hours(jobs["a"].slots(NEW_YEAR), 2) == ["01 06:00", "02 06:00"]
    assert hours(jobs["b"].slots(NEW_YEAR), 1) == ["01 07:00"]


def test_every_fault_of_the_file_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "timezone: Europe/Berln\n"
        "jobs:\n"
        "  a:\n"
        "    agent: sentinal\n"
        '    cron: "0 25 * * *"\n'
        "    prompt: Go.\n"
        "  b: {agent: butler, prompt: Go.}\n"
        "  c: {agent: butler, prompt: Go., cron: '@daily', every: 5m}\n"
        "  d: {agent: butler, prompt: Go., after: [e]}\n"
        "  'no good': {agent: butler, prompt: Go., at: tomorrow}\n",
    )

    assert [(fault.line, fault.column) for fault in found] == [
        (1, 11),
        (4, 12),
        (5, 14),
        (7, 3),
        (8, 3),
        (9, 43),
        (10, 3),
        (10, 47),
    ]
    assert found[0].hint == "did you mean `Europe/Berlin`?"
    assert found[1].hint == "did you mean `sentinel`?"
    assert "hour 25 is out of range (0-23)" in found[2].message
    assert found[2].width == 2
    assert "never says when" in found[3].message
    assert "has cron and every" in found[4].message


def test_a_key_that_is_off_does_not_hide_a_time_that_is_off(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "timezone: Europe/Berln\n"
        "jobs:\n"
        "  a: {agent: butler, prompt: '', cron: '@daily'}\n"
        "  b: {agent: sentinal, prompt: Go., cron: '0 9 * * 8'}\n"
        "  c: soon\n"
        "  d: {agent: butler, prompt: Go., after: [a, x]}\n"
        "  e: {agnt: butler, cron: '0 9 * * fri-sun'}\n"
        "  f: {agent: butler, prompt: Go., every: often}\n",
    )

    assert [(fault.line, fault.column, fault.message) for fault in found] == [
        (1, 11, "unknown time zone `Europe/Berln`"),
        (3, 30, "`prompt` is empty"),
        (4, 14, "unknown agent `sentinal`"),
        (4, 52, "weekday 8 is out of range (0-7)"),
        (5, 6, '`c` should be a mapping, not "soon"'),
        (6, 46, "unknown job `x`"),
        (7, 3, "missing key `agent`"),
        (7, 3, "missing key `prompt`"),
        (7, 7, "unknown key `agnt`"),
        (7, 36, "the range `fri-sun` runs backwards"),
        (8, 42, '"often" is no duration'),
    ]


def test_a_job_may_have_work_of_the_house_instead_of_a_prompt(tmp_path: Path) -> None:
    schedule = crontab(
        tmp_path,
        "jobs:\n"
        "  a: {agent: butler, work: reflect, cron: '@daily'}\n"
        "  b: {agent: butler, work: [reflect, gather], cron: '@daily'}\n",
    )

    assert [schedule.jobs[name].line.work for name in "ab"] == [
        [Work.REFLECT],
        [Work.REFLECT, Work.GATHER],
    ]


def test_work_that_nobody_does_is_told_with_its_place(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "jobs:\n"
        "  a: {agent: butler, work: relfect, cron: '@daily'}\n"
        "  b: {agent: butler, work: [reflect, gahter], cron: '@daily'}\n"
        "  c: {agent: butler, work: gather, prompt: Go., cron: '@daily'}\n"
        "  d: {agent: butler, work: [], cron: '0 9 * * 8'}\n"
        "  e: {agent: butler, cron: '@daily'}\n",
    )

    assert [(fault.line, fault.column, fault.message) for fault in found] == [
        (2, 22, "`work` cannot be \"relfect\"; it is 'reflect', 'gather' or 'compress'"),
        (3, 38, "`work` cannot be \"gahter\"; it is 'reflect', 'gather' or 'compress'"),
        (4, 44, "nobody reads a `prompt` beside `work`"),
        (5, 3, "missing key `prompt`"),
        (5, 47, "weekday 8 is out of range (0-7)"),
        (6, 3, "missing key `prompt`"),
    ]
    assert [fault.hint for fault in found[:2]] == [
        "did you mean `reflect`?",
        "did you mean `gather`?",
    ]


@pytest.mark.parametrize("text", ["", "# all gone\n", "timezone: UTC\n"])
def test_a_file_that_lost_its_jobs_is_a_fault_and_no_empty_schedule(
    tmp_path: Path, text: str
) -> None:
    (fault,) = problems(tmp_path, text)

    assert fault.message == "missing key `jobs`"


def test_a_misspelt_key_is_told_with_the_key_that_was_meant(tmp_path: Path) -> None:
    (fault,) = problems(tmp_path, "timezon: UTC\njobs: {}\n")

    assert (fault.line, fault.column) == (1, 1)
    assert "timezone" in (fault.hint or "")


def test_jobs_that_wait_for_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "jobs:\n"
        "  a: {agent: butler, prompt: Go., after: b}\n"
        "  b: {agent: butler, prompt: Go., after: [a]}\n",
    )

    assert [fault.message for fault in found] == [
        "job `a` waits for itself",
        "job `b` waits for itself",
    ]


def test_an_instant_without_an_offset_is_meant_in_the_zone_of_the_job(tmp_path: Path) -> None:
    jobs = crontab(
        tmp_path,
        "timezone: America/New_York\n"
        "jobs:\n"
        "  here: {agent: butler, prompt: Go., at: 2026-12-01T09:00}\n"
        "  there: {agent: butler, prompt: Go., at: '2026-12-01T09:00+01:00'}\n",
    ).jobs

    assert hours(jobs["here"].slots(NEW_YEAR), 5) == ["01 14:00"]
    assert hours(jobs["there"].slots(NEW_YEAR), 5) == ["01 08:00"]


def test_an_instant_in_a_gap_is_the_end_of_the_gap(tmp_path: Path) -> None:
    line = (
        "jobs: {a: {agent: butler, prompt: Go., at: 2026-03-29T02:30, timezone: Europe/Berlin}}\n"
    )

    assert hours(crontab(tmp_path, line).jobs["a"].slots(NEW_YEAR), 2) == ["29 01:00"]


@pytest.mark.parametrize(
    "line",
    [
        "at: 0001-01-01T00:00",
        "at: '0001-01-01T00:00:00+14:00'",
        "at: 9999-12-31T23:59",
        "at: 2026-12-01T09:00, jitter: 999999999d",
        "every: 999999999d",
    ],
)
def test_what_no_calendar_can_count_to_is_a_fault(tmp_path: Path, line: str) -> None:
    (problem,) = problems(tmp_path, f"jobs:\n  a: {{agent: butler, prompt: Go., {line}}}\n")

    assert problem.line == 2
    assert problem.hint is not None


def test_an_instant_that_has_passed_is_remarked(tmp_path: Path) -> None:
    schedule = crontab(tmp_path, "jobs: {a: {agent: butler, prompt: Go., at: 2026-03-01T09:00}}\n")

    assert schedule.over(NEW_YEAR) == []
    assert schedule.over(NEW_YEAR + timedelta(days=90)) == [
        "job `a`: at 2026-03-01T09:00 has passed; it fires no more"
    ]


def test_a_job_that_waits_for_one_that_is_off_is_remarked(tmp_path: Path) -> None:
    schedule = crontab(
        tmp_path,
        "jobs:\n"
        "  a: {agent: butler, prompt: Go., cron: '@daily', enabled: false}\n"
        "  b: {agent: butler, prompt: Go., after: a}\n",
    )

    assert schedule.warnings == ("job `b` waits for `a`, which is not enabled",)


@given(
    minutes=st.integers(1, 10_000),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    cut=st.integers(0, 19),
)
def test_a_period_goes_on_where_it_was_whenever_it_is_asked(
    tmp_path_factory: pytest.TempPathFactory, minutes: int, start: datetime, cut: int
) -> None:
    line = f"jobs: {{a: {{agent: butler, prompt: Go., every: {minutes}m}}}}\n"
    job = crontab(tmp_path_factory.mktemp("cron"), line).jobs["a"]
    whole = list(islice(job.slots(start.replace(tzinfo=UTC)), 20))

    assert list(islice(job.slots(whole[cut]), 19 - cut)) == whole[cut + 1 :]
    assert {later - slot for slot, later in pairwise(whole)} == {timedelta(minutes=minutes)}


def test_jitter_moves_a_job_by_always_the_same_part_of_it(tmp_path: Path) -> None:
    text = "jobs: {a: {agent: butler, prompt: Go., cron: '0 * * * *', jitter: %s}}\n"
    plain = crontab(tmp_path, text % "0s").jobs["a"]
    moved, again = (crontab(tmp_path, text % "5m").jobs["a"] for _ in range(2))

    slots = list(islice(plain.slots(NEW_YEAR), 50))
    late = list(islice(moved.slots(NEW_YEAR + moved.offset), 50))

    assert late == [slot + moved.offset for slot in slots]
    assert again.offset == moved.offset
    assert timedelta(0) <= moved.offset <= timedelta(minutes=5)
    assert moved.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    ("schedule", "grace"),
    [
        ("every: 1m", timedelta(minutes=2)),
        ("every: 90m", timedelta(minutes=45)),
        ("cron: '@daily'", timedelta(hours=2)),
        ("at: 2026-12-01T09:00", timedelta(hours=2)),
        ("every: 90m, grace: 7m", timedelta(minutes=7)),
    ],
)
def test_the_automatic_grace_is_half_the_period_within_its_limits(
    tmp_path: Path, schedule: str, grace: timedelta
) -> None:
    text = f"jobs: {{a: {{agent: butler, prompt: Go., {schedule}}}}}\n"
    job = crontab(tmp_path, text).jobs["a"]

    slots = job.slots(NEW_YEAR)
    assert job.grace(next(slots), next(slots, None)) == grace


def test_only_what_decides_the_slots_changes_the_fingerprint(tmp_path: Path) -> None:
    text = "jobs: {{a: {{agent: butler, prompt: {}, cron: '{}'}}}}\n"
    first = crontab(tmp_path, text.format("Go.", "0 7 * * *")).jobs["a"]

    assert crontab(tmp_path, text.format("Run.", "0 7 * * *")).jobs["a"].fingerprint == (
        first.fingerprint
    )
    assert crontab(tmp_path, text.format("Go.", "0 8 * * *")).jobs["a"].fingerprint != (
        first.fingerprint
    )


def test_the_schedule_of_this_repository_is_in_order() -> None:
    root = Path(__file__).parents[2]
    agents = frozenset(path.parent.name for path in (root / "agents").glob("*/SOUL.md"))

    schedule = read_crontab(root / "cron.yaml", agents)

    day = timedelta(days=1)
    monday = datetime(2026, 11, 23, tzinfo=schedule.zone).astimezone(UTC)
    fires = [
        slot
        for job in schedule.jobs.values()
        if job.enabled
        for slot in takewhile(lambda slot: slot < monday + day, job.slots(monday))
    ]
    assert len(fires) >= 12


def test_a_name_that_is_no_text_hides_no_unknown_job(tmp_path: Path) -> None:
    text = "jobs:\n  1: {agent: a, prompt: x, every: 1h}\n  b: {agent: a, prompt: x, after: c}\n"

    messages = [problem.message for problem in problems(tmp_path, text)]

    assert "unknown job `c`" in messages
