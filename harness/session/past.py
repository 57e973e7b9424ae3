"""What an earlier attempt at a task did, for the one that goes on with it.

An attempt that waited for a person stopped between two calls, with all of it in its transcript.
The next one begins there: nothing that was done is done again, nothing that was read is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.session.steps import Ended, Reason, Steps
from harness.session.transcript import Recorded, read_transcript


@dataclass(frozen=True)
class Past:
    """Steps to go on after, and the attempt in whose transcript they end."""

    attempt: int | None = None
    steps: Steps = ()
    first: int | None = None  # the attempt with which all this began


def past_of(folder: Path, task: str, attempt: int) -> Past:
    """What there is to go on with at this attempt; nothing when the one before did not wait, or
    its transcript is gone: then the task begins anew."""
    before = recorded(folder, task, attempt - 1)
    if before is None:
        return Past()
    if waited(before):
        return Past(attempt - 1, *steps_up_to(folder, before))
    return past_of(folder, task, before.header.resumes + 1) if before.header.resumes else Past()


def steps_up_to(folder: Path, last: Recorded) -> tuple[Steps, int]:
    """All steps of a transcript, with those that it went on after; and where these began."""
    steps = tuple(step for step in last.steps if not isinstance(step, Ended))
    header = last.header
    before = recorded(folder, header.task, header.resumes) if header.resumes else None
    if before is None:
        return steps, header.attempt
    earlier, first = steps_up_to(folder, before)
    return (*earlier, *steps), first


def recorded(folder: Path, task: str, attempt: int) -> Recorded | None:
    """The transcript of an attempt; None when there is none that can be read."""
    try:
        return read_transcript(folder / f"{task}-{attempt}.jsonl") if attempt > 0 else None
    except (HarnessError, OSError):
        return None


def waited(record: Recorded) -> bool:
    end = record.steps[-1] if record.steps else None
    return isinstance(end, Ended) and end.reason is Reason.WAITING
