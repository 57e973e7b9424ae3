"""cron.yaml: which agent does what, and when. Read whole, with all its faults at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from harness.config.complaints import validate
from harness.config.cronfile import CronFile, JobLine, with_channels, with_defaults
from harness.config.document import Document, Location, check
from harness.config.job import Job
from harness.config.names import did_you_mean, unknown_name
from harness.cronline import Cronline, CronlineError, instant_of
from harness.errors import ConfigError, Problem

JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KINDS = ("cron", "every", "at", "after")
SHORTEST_PERIOD = timedelta(seconds=1)
YEARS = range(1970, 3000)  # of `at`


@dataclass(frozen=True)
class Crontab:
    """The schedule of a home."""

    zone: ZoneInfo
    jobs: Mapping[str, Job] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def over(self, now: datetime) -> list[str]:
        """A remark on each job whose one time has passed: it fires no more."""
        return [
            f"job `{job.id}`: {job.schedule} has passed; it fires no more"
            for job in self.jobs.values()
            if job.enabled and job.at is not None and next(job.slots(now), None) is None
        ]


def read_crontab(
    path: Path, agents: frozenset[str] | None = None, channels: Sequence[str] = ()
) -> Crontab:
    """The schedule in `path`; `agents` are the names that its jobs may use, if known, and
    `channels` those of a job that names none, as do the file's defaults.

    Raises ConfigError with every fault of the file.
    """
    document = Document.read(path)
    file = check(document, CronFile)
    if isinstance(file, list):
        return Reader(document, what_is_sound(document, agents), agents, problems=file).crontab()
    return Reader(document, with_channels(file, channels), agents).crontab()


def what_is_sound(document: Document, agents: frozenset[str] | None) -> CronFile:
    """The parts of a faulty file whose names and times can be looked at all the same."""
    data = document.data if isinstance(document.data, dict) else {}
    entries = data.get("jobs")
    lines = {
        name: sound_line(entry, agents or frozenset())
        for name, entry in (entries.items() if isinstance(entries, dict) else ())
        if isinstance(name, str) and isinstance(entry, dict)
    }
    zone = data.get("timezone")
    return CronFile(
        timezone=zone if isinstance(zone, str) else "UTC",
        jobs={name: line for name, line in lines.items() if line is not None},
    )


def sound_line(entry: dict[str, object], agents: frozenset[str]) -> JobLine | None:
    """An entry without its faulty keys; None when one of those says when it is due."""
    outcome = validate(JobLine, entry)
    if isinstance(outcome, JobLine):
        return outcome
    faulty = {complaint.location[0] for complaint in outcome if complaint.location}
    if not faulty.isdisjoint(KINDS):
        return None
    # what is missing is told already; a stand-in lets the rest be looked at
    stand_in = {"agent": min(agents, default="")}
    if not faulty.isdisjoint({"prompt", "work"}):
        stand_in |= {"prompt": "missing"}
    rest = {key: value for key, value in entry.items() if key not in faulty}
    outcome = validate(JobLine, stand_in | rest)
    return outcome if isinstance(outcome, JobLine) else None


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
        if not line.prompt and not line.work:
            self.fault(here, "missing key `prompt`", key=True)
        elif line.prompt and line.work:
            hint = "make it two jobs, or leave out one of them"
            self.fault((*here, "prompt"), "nobody reads a `prompt` beside `work`", hint=hint)
        if self.agents is not None and line.agent not in self.agents:
            place = (*here, "agent")
            self.problems.append(
                unknown_name(self.document, place, line.agent, self.agents, "agent")
            )
        self.check_waiting(here, name, line.after or [])

    def check_waiting(self, here: Location, name: str, others: list[str]) -> None:
        known = [job for job in self.document.data["jobs"] if isinstance(job, str)]
        for index, other in enumerate(others):
            if other not in known:
                place = (*here, "after", index)
                self.problems.append(unknown_name(self.document, place, other, known, "job"))
            elif other in self.file.jobs and not self.file.jobs[other].enabled:
                self.warnings.append(f"job `{name}` waits for `{other}`, which is not enabled")

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
        if moment.year not in YEARS:
            hint = f"a year from {YEARS.start} to {YEARS.stop - 1}"
            self.fault((*here, "at"), f"the year {moment.year} is out of range", hint=hint)
            return None
        moment = moment.replace(microsecond=0)
        return moment.astimezone(UTC) if moment.tzinfo else instant_of(moment, zone)

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
