"""cron.yaml as it is written: the keys of the file, of its defaults and of a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.config.durations import Duration


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


class Work(StrEnum):
    """What the house does itself at a job's time, instead of a session."""

    REFLECT = "reflect"  # lessons that proved themselves become rules, for every agent
    GATHER = "gather"  # what several agents learned becomes a proposal for the team
    COMPRESS = "compress"  # memory files are brought back to their size


def one_or_more(value: object) -> object:
    """`after: a` means `after: [a]`."""
    return [value] if isinstance(value, str) else value


Grace = Literal["auto"] | Duration
Names = Annotated[list[str], BeforeValidator(one_or_more)]
Works = Annotated[list[Work], BeforeValidator(one_or_more)]


class Line(BaseModel):
    """What `defaults` may say for every job, and a job for itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    misfire: Misfire = Misfire.ONCE
    grace: Grace = "auto"
    overlap: Overlap = Overlap.SKIP
    timeout: Duration = timedelta(minutes=20)
    jitter: Duration = timedelta(0)
    deliver: Names = []  # said: nowhere; not said: as harness.yaml has it
    priority: Literal["P0", "P1", "P2"] = "P1"
    timezone: str | None = None


class JobLine(Line):
    """One entry under `jobs`: it has a prompt, or work of the house's own."""

    agent: str
    prompt: Annotated[str, Field(min_length=1)] = ""
    work: Works | None = None  # done in this order
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
    jobs: dict[str, JobLine]  # an empty file is an accident, not a schedule without jobs


def with_defaults(line: JobLine, defaults: Line) -> JobLine:
    """The line, with the file's defaults for what it does not say itself."""
    missing = {
        name: getattr(defaults, name)
        for name in defaults.model_fields_set
        if name not in line.model_fields_set
    }
    return line.model_copy(update=missing)


def with_channels(file: CronFile, channels: Sequence[str]) -> CronFile:
    """The file, with these channels in its defaults unless they name their own."""
    if "deliver" in file.defaults.model_fields_set:
        return file
    defaults = file.defaults.model_copy(update={"deliver": list(channels)})
    return file.model_copy(update={"defaults": defaults})
