"""What an earlier attempt at a task did, for the one that goes on with it.

An attempt that waited for a person stopped between two calls, with all of it in its transcript.
The next one begins there: nothing that was done is done again, nothing that was read is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.session.recalled import NOTHING, Recalled
from harness.session.steps import Ended, Reason, Steps
from harness.session.transcript import Recorded, read_transcript


@dataclass(frozen=True)
class Past:
    """Steps to go on after, and the attempts that took them, oldest first."""

    attempts: tuple[int, ...] = ()
    steps: Steps = ()
    recalled: Recalled = (
        NOTHING  # what they were told of the memory: they go on with the same words
    )

    @property
    def last(self) -> int | None:
        """The attempt in whose transcript the steps end; None when there is nothing to go on
        with."""
        return self.attempts[-1] if self.attempts else None


def past_of(folder: Path, task: str, attempt: int) -> Past:
    """What there is to go on with at this attempt. Nothing when the one before neither waited
    nor went on after one that did, or when a transcript is gone: then the task begins anew."""
    before = recorded(folder, task, attempt - 1)
    if before is None:
        return Past()
    if waited(before):
        return up_to(folder, before)
    return past_of(folder, task, before.header.resumes + 1) if before.header.resumes else Past()


def up_to(folder: Path, last: Recorded) -> Past:
    """All steps of an attempt that waited, with those that it went on after."""
    header = last.header
    earlier = past_of(folder, header.task, header.resumes + 1) if header.resumes else Past()
    if earlier.last != header.resumes:
        return Past()
    steps = (step for step in last.steps if not isinstance(step, Ended))
    attempts = (*earlier.attempts, header.attempt)
    return Past(attempts, (*earlier.steps, *steps), header.recalled)


def recorded(folder: Path, task: str, attempt: int) -> Recorded | None:
    """The transcript of an attempt; None when there is none that can be read."""
    try:
        return read_transcript(folder / f"{task}-{attempt}.jsonl") if attempt > 0 else None
    except (HarnessError, OSError):
        return None


def waited(record: Recorded) -> bool:
    end = record.steps[-1] if record.steps else None
    return isinstance(end, Ended) and end.reason is Reason.WAITING
