"""cron.yaml: which agent does what, and when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.config.document import Document, Location, check
from harness.config.durations import Duration, format_duration
from harness.config.names import did_you_mean, unknown_name
from harness.cronline import Cronline, CronlineError
from harness.errors import ConfigError, Problem

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KINDS = ("cron", "every", "at", "after")
SHORTEST_PERIOD = timedelta(seconds=1)
SHORTEST_GRACE = timedelta(minutes=2)  # what `auto` means at least, and at most
LONGEST_GRACE = timedelta(hours=2)


class Misfire(StrEnum):
    """What becomes of slots that nobody was there to fire."""

    SKIP = "skip"  # they are let go
    ONCE = "once"  # the newest one within the grace fires
    ALL = "all"  # every one within the grace fires


class Overlap(StrEnum):
    """What becomes of a slot while the job's last task is not over."""

    SKIP = "skip"  # the slot is let go
    QUEUE = "queue"  # it waits in the agent's lane
    REPLACE = "replace"  # the older task is cancelled


def one_or_more(value: object) -> object:
    """`after: a` means `after: [a]`."""
    return [value] if isinstance(value, str) else value


Grace = Literal["auto"] | Duration
Names = Annotated[list[str], BeforeValidator(one_or_more)]


class Line(BaseModel):
    """What `defaults` may say for every job, and a job for itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    misfire: Misfire = Misfire.ONCE
    grace: Grace = "auto"
    overlap: Overlap = Overlap.SKIP
    timeout: Duration = timedelta(minutes=20)
    jitter: Duration = timedelta(0)
    deliver: Names = []
    priority: Literal["P0", "P1", "P2"] = "P1"
    timezone: str | None = None


class JobLine(Line):
    """One entry under `jobs`."""

    agent: str
    prompt: str = Field(min_length=1)
    title: str = ""
    cron: str | None = None
    every: Duration | None = None
    at: str | None = None
    after: Names | None = None
    enabled: bool = True


class CronFile(BaseModel):
    """The whole file, before its names and lines are looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = "UTC"
    defaults: Line = Line()
    jobs: dict[str, JobLine] = {}


@dataclass(frozen=True)
class Job:
    """One job with everything decided. Its id is stable across edits of all else."""

    id: str
    line: JobLine
    zone: ZoneInfo
    cron: Cronline | None = None
    at: datetime | None = None

    @property
    def agent(self) -> str:
        return self.line.agent

    @property
    def enabled(self) -> bool:
        return self.line.enabled

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides when it fires; another one is another schedule."""
        line = self.line
        every = line.every and format_duration(line.every)
        parts = (self.zone.key, line.cron, every, line.at, line.after, line.jitter, line.enabled)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def offset(self) -> timedelta:
        """The job's own part of its jitter: always the same for the same id."""
        number = int.from_bytes(hashlib.sha256(self.id.encode()).digest()[:8])
        return timedelta(seconds=number % (int(self.line.jitter.total_seconds()) + 1))

    @property
    def schedule(self) -> str:
        """When it fires, as the file says it."""
        line = self.line
        if line.every is not None:
            return f"every {format_duration(line.every)}"
        if line.after is not None:
            return f"after {', '.join(line.after)}"
        return line.cron or f"at {line.at}"

    def slots(self, after: datetime) -> Iterator[datetime]:
        """The job's due times later than `after`, in UTC, ascending; a job that waits for
        others has none."""
        plain = self._plain_slots(after - self.offset)
        return (slot + self.offset for slot in plain)

    def _plain_slots(self, after: datetime) -> Iterator[datetime]:
        if self.cron is not None:
            yield from self.cron.slots(self.zone, after)
        elif self.line.every is not None:
            yield from multiples(self.line.every, self.zone, after)
        elif self.at is not None and self.at > after:
            yield self.at

    def grace(self, slot: datetime) -> timedelta:
        """How late the slot may still fire: `auto` is half the time to the next one, within
        2 minutes and 2 hours."""
        if isinstance(self.line.grace, timedelta):
            return self.line.grace
        following = next(self.slots(slot), None)
        half = (following - slot) / 2 if following else LONGEST_GRACE
        return min(max(half, SHORTEST_GRACE), LONGEST_GRACE)


@dataclass(frozen=True)
class Crontab:
    """The schedule of a home."""

    zone: ZoneInfo
    jobs: Mapping[str, Job] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def multiples(period: timedelta, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every multiple of the period, counted in real time from the zone's midnight of
    1970-01-01, so that no restart moves it."""
    start = datetime(1970, 1, 1, tzinfo=zone).astimezone(UTC)
    number = (after - start) // period + 1
    while True:
        yield start + number * period
        number += 1


def read_crontab(path: Path, agents: frozenset[str] | None = None) -> Crontab:
    """The schedule in `path`; `agents` are the names that its jobs may use, if known.

    Raises ConfigError with every fault of the file.
    """
    document = Document.read(path)
    file = check(document, CronFile)
    if isinstance(file, list):
        raise ConfigError(file)
    return Reader(document, file, agents).crontab()


@dataclass
class Reader:
    """Makes jobs of the lines, and gathers what is wrong with them."""

    document: Document
    file: CronFile
    agents: frozenset[str] | None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def crontab(self) -> Crontab:
        zone = self.zone(("timezone",), self.file.timezone)
        jobs = {name: self.job(name, line, zone) for name, line in self.file.jobs.items()}
        self.problems += circles(self.document, self.file.jobs)
        if self.problems:
            raise ConfigError(sorted(self.problems, key=lambda fault: (fault.line, fault.column)))
        return Crontab(zone, jobs, tuple(self.warnings))

    def job(self, name: str, line: JobLine, zone: ZoneInfo) -> Job:
        here = ("jobs", name)
        line = with_defaults(line, self.file.defaults)
        self.check_names(here, name, line)
        own_zone = zone
        if line.timezone is not None:
            where = (*here, "timezone") if self.says(name, "timezone") else ("defaults", "timezone")
            own_zone = self.zone(where, line.timezone)
        cron = self.cronline(here, line.cron) if line.cron is not None else None
        at = self.instant(here, line.at, own_zone) if line.at is not None else None
        if line.every is not None and line.every < SHORTEST_PERIOD:
            self.fault((*here, "every"), "the shortest period is one second")
        return Job(name, line, own_zone, cron, at)

    def check_names(self, here: Location, name: str, line: JobLine) -> None:
        if not JOB_ID.fullmatch(name):
            hint = "letters, digits, dots, hyphens and underscores, 64 at most"
            self.fault(here, f"`{name}` is no name for a job", key=True, hint=hint)
        given = [kind for kind in KINDS if getattr(line, kind) is not None]
        if len(given) != 1:
            said = f"has {' and '.join(given)}" if given else "never says when"
            self.fault(
                here, f"job `{name}` {said}", key=True, hint="give one of " + ", ".join(KINDS)
            )
        if self.agents is not None and line.agent not in self.agents:
            place = (*here, "agent")
            self.problems.append(
                unknown_name(self.document, place, line.agent, self.agents, "agent")
            )
        for index, other in enumerate(line.after or ()):
            if other not in self.file.jobs:
                place = (*here, "after", index)
                self.problems.append(
                    unknown_name(self.document, place, other, self.file.jobs, "job")
                )
        if line.after is not None:
            self.warnings.append(f"job `{name}`: `after` is read and does not fire yet")

    def says(self, job: str, key: str) -> bool:
        return key in self.document.data["jobs"][job]

    def zone(self, place: Location, name: str) -> ZoneInfo:
        if name in zones():
            return ZoneInfo(name)
        hint = did_you_mean(name, zones()) or "a name like Europe/Berlin"
        self.fault(place, f"unknown time zone `{name}`", width=len(name), hint=hint)
        return ZoneInfo("UTC")

    def cronline(self, here: Location, text: str) -> Cronline | None:
        try:
            return Cronline.parse(text)
        except CronlineError as error:
            self.problems.append(
                self.document.problem(
                    (*here, "cron"),
                    str(error),
                    offset=error.offset,
                    width=error.width,
                    hint=error.hint,
                )
            )
            return None

    def instant(self, here: Location, text: str, zone: ZoneInfo) -> datetime | None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            hint = "write it like 2026-12-01T09:00"
            self.fault((*here, "at"), f'"{text}" is no date and time', hint=hint)
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

    def fault(
        self,
        place: Location,
        message: str,
        *,
        key: bool = False,
        width: int | None = None,
        hint: str | None = None,
    ) -> None:
        self.problems.append(self.document.problem(place, message, key=key, width=width, hint=hint))


def with_defaults(line: JobLine, defaults: Line) -> JobLine:
    """The line, with the file's defaults for what it does not say itself."""
    missing = {
        name: getattr(defaults, name)
        for name in defaults.model_fields_set
        if name not in line.model_fields_set
    }
    return line.model_copy(update=missing)


def circles(document: Document, jobs: Mapping[str, JobLine]) -> Iterator[Problem]:
    """A fault for each job that waits, in the end, for itself."""
    for name in jobs:
        seen: set[str] = set()
        waiting = list(jobs[name].after or ())
        while waiting:
            other = waiting.pop()
            if other == name:
                message = f"job `{name}` waits for itself"
                yield document.problem(("jobs", name, "after"), message)
                break
            if other in jobs and other not in seen:
                seen.add(other)
                waiting += jobs[other].after or ()


@cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones())
