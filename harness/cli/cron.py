"""`harness cron`: the schedule, what comes next, and what became of each slot."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice, repeat, takewhile
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from harness.bus.port import Slot
from harness.bus.reader import Reader
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    emit,
    note,
    say,
    table,
    the_home,
)
from harness.cli.schedule import cron_rows, in_zone, owing, remarks, wall
from harness.cli.shapes import slot_shape
from harness.config.crontab import Crontab, read_crontab
from harness.config.durations import DurationError, parse_duration
from harness.config.home import Home
from harness.config.job import Job
from harness.config.names import did_you_mean
from harness.config.profile import profile_files
from harness.errors import ConfigError, NotFound, UsageError

FEW = 10  # slots told when nothing says how many
MOST = 1000  # slots of a span of time

app = typer.Typer(no_args_is_help=True, help="The schedule in cron.yaml.")

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="A job of cron.yaml.")]
MaybeJob = Annotated[str | None, typer.Argument(metavar="[JOB]", help="One job; else all.")]


@app.command("list")
def list_jobs(
    limit: LimitOption = MOST, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Every job: when it fires next, and how its last slot ended."""
    place = the_home(home)
    with Reader(place.database) as reader:
        rows = cron_rows(read_schedule(place), reader, datetime.now(UTC))[:limit]
    if as_json:
        emit([row.shape() for row in rows])
        return
    cells = [
        (
            row.job,
            row.agent,
            row.cron,
            "paused" if row.paused else "off" if not row.enabled else row.next_run_local(),
            row.last_status,
        )
        for row in rows
    ]
    table(("job", "agent", "schedule", "next", "last"), cells, "cron.yaml has no jobs")


@app.command("next")
def next_slots(
    job: MaybeJob = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A time, or a span from now; else now.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="A time, or a span from now.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many; 10 without --until.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What fires next, in each job's own time zone. Jobs that rest are left out, and told."""
    place = the_home(home)
    crontab = read_schedule(place)
    begin = moment(start, crontab) if start else datetime.now(UTC)
    end = moment(until, crontab) if until else None
    jobs = [the_job(crontab, job)] if job else list(crontab.jobs.values())
    with Reader(place.database) as reader:
        paused = {name for name, state in reader.jobs().items() if state.paused}
        told = [remark for each in jobs for remark in remarks(each, reader, asked=job is not None)]
    awake = [each for each in jobs if each.enabled and each.id not in paused]
    found = upcoming(awake, begin, end, limit or (MOST if end else FEW))
    for remark in told:
        note(remark)
    if as_json:
        emit(
            [
                {"job": each.id, "agent": each.agent, "slot": in_zone(each, slot)}
                for slot, each in found
            ]
        )
        return
    rows = [(wall(slot.astimezone(each.zone)), each.id, each.agent) for slot, each in found]
    table(("slot", "job", "agent"), rows, "nothing fires in that time")


@app.command()
def history(
    job: MaybeJob = None,
    limit: LimitOption = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of each slot: fired, missed or skipped; in each job's own time zone."""
    place = the_home(home)
    crontab, now = schedule_if_sound(place), datetime.now(UTC)
    with Reader(place.database) as reader:
        slots = reader.slots(job, limit)
        jobs = crontab.jobs if slots or job is None else {job: the_job(crontab, job)}
        told = [owing(each, reader, now) for each in jobs.values() if job in (None, each.id)]
    for remark in filter(None, told):
        note(remark)
    if as_json:
        emit([slot_shape(slot) for slot in slots])
        return
    rows = [(slot_wall(s, crontab), s.job, s.status, lateness(s), s.task, s.note) for s in slots]
    table(("slot", "job", "status", "late", "task", "note"), rows, "no slots yet")


def schedule_if_sound(home: Home) -> Crontab:
    """The schedule, or an empty one when it does not parse: what was, can be told all the same."""
    try:
        return read_schedule(home)
    except ConfigError:
        note("cron.yaml does not parse, see: harness cron lint")
        return Crontab(ZoneInfo("UTC"))


def slot_wall(slot: Slot, crontab: Crontab) -> str:
    """A slot on the clock of its job; on the machine's when the job is gone."""
    job = crontab.jobs.get(slot.job)
    return wall(slot.slot.astimezone(job.zone if job else None))


def lateness(slot: Slot) -> str:
    return f"{slot.lateness.total_seconds():.1f} s"


@app.command()
def lint(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check cron.yaml. Exit code 78 on faults."""
    crontab = read_schedule(the_home(home))
    warnings = [*crontab.warnings, *crontab.over(datetime.now(UTC))]
    if as_json:
        emit({"jobs": list(crontab.jobs), "warnings": warnings})
        return
    for warning in warnings:
        say(f"warning: {warning}")
    say(f"{len(crontab.jobs)} jobs: all in order")


def read_schedule(home: Home, channels: Sequence[str] = ()) -> Crontab:
    """The schedule on the disk. Raises ConfigError."""
    agents = frozenset(name for name, _ in profile_files(home))
    return read_crontab(home.cron_file, agents, channels)


def the_job(crontab: Crontab, name: str) -> Job:
    """The job of that name. Raises NotFound, with the one that was probably meant."""
    if name not in crontab.jobs:
        hint = did_you_mean(name, crontab.jobs) or "see them with: harness cron list"
        raise NotFound(f"there is no job `{name}` in cron.yaml", hint=hint)
    return crontab.jobs[name]


def moment(text: str, crontab: Crontab) -> datetime:
    """A time that a person typed: ISO-8601, in the schedule's zone unless it says another,
    or a span from now. Raises UsageError."""
    try:
        return datetime.now(UTC) + parse_duration(text)
    except DurationError:
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'"{text}" is neither a time nor a span', hint="like 2026-12-01T09:00, or 24h"
        ) from None
    return (time if time.tzinfo else time.replace(tzinfo=crontab.zone)).astimezone(UTC)


def upcoming(
    jobs: list[Job], begin: datetime, end: datetime | None, limit: int
) -> list[tuple[datetime, Job]]:
    """At most `limit` slots later than `begin`, none later than `end`, soonest first."""
    lines = [zip(job.slots(begin), repeat(job)) for job in jobs]
    merged = heapq.merge(*lines, key=lambda pair: (pair[0], pair[1].id))
    return list(islice(takewhile(lambda pair: end is None or pair[0] <= end, merged), limit))
