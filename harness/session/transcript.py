"""The transcript: every step of a session as one line of JSON, written as it happens."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from harness.clock import Clock, stamp
from harness.closing import Closing
from harness.errors import HarnessError
from harness.session.line import UNREADABLE, plain, step_of
from harness.session.loop import Session
from harness.session.recalled import NOTHING, Recalled
from harness.session.steps import Ended, Step
from harness.text.secrets import Redactor

Heard = Callable[[Step], Awaitable[None]]


async def heard_by_nobody(step: Step) -> None:
    """For a session that is only recorded."""


async def record(session: Session, transcript: Transcript, heard: Heard = heard_by_nobody) -> Ended:
    """Run a session to its end: each step is written, then told to `heard`.

    Whatever ends this early (the task is cancelled, `heard` raises) goes on to the caller
    after the steps that the session still owes are written, so that every call in the
    file has its result.
    """
    try:
        async with aclosing(session.steps()) as steps:
            async for step in steps:
                transcript.write(step)
                await heard(step)
    except Exception as error:
        write_owed(transcript, session.owed(f"broke off: {type(error).__name__}: {error}"))
        raise
    except BaseException:  # cancelled, or the program ends
        write_owed(transcript, session.owed())
        raise
    assert session.ended is not None, "a session's steps end in Ended"
    return session.ended


def write_owed(transcript: Transcript, steps: Iterable[Step]) -> None:
    for step in steps:
        transcript.write(step)


@dataclass(frozen=True)
class Header:
    """The first line: whose session it is."""

    task: str
    agent: str
    attempt: int
    model: str
    resumes: int | None = None  # the attempt that this one goes on with
    recalled: Recalled = NOTHING  # what a search of the memory had found for the task
    version: str = harness.__version__


@dataclass(frozen=True)
class Recorded:
    """A session as read back."""

    header: Header
    steps: tuple[Step, ...]


class Transcript(Closing):
    """A file that grows by one line for each step; each is handed to the system at once.

    Attempts only count up, so each has a file of its own. Where there is one all the same (the
    database was put back from a backup), it goes on after a header of its own: nothing is ever
    overwritten.
    """

    def __init__(
        self, folder: Path, header: Header, clock: Clock, redactor: Redactor | None = None
    ) -> None:
        """Open or make `<task>-<attempt>.jsonl` in `folder`, for the owner's eyes only; what
        the redactor knows as a secret is not written."""
        self._redactor = redactor or Redactor()
        self.path = folder / f"{header.task}-{header.attempt}.jsonl"
        self.clock = clock
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._heal()
        self._line({"type": "session", "at": stamp(clock.now()), **vars(header)})

    def write(self, step: Step) -> None:
        line = plain(step)
        self._line({"type": line.pop("type"), "at": stamp(self.clock.now()), **line})

    def close(self) -> None:
        """No more steps. To close twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def _heal(self) -> None:
        """A crash may have left half a line: what follows must not be glued to it."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def _line(self, values: dict[str, Any]) -> None:
        text = json.dumps(values, ensure_ascii=False, default=str)
        if self._redactor.suspects(text):
            clean = self._redactor.value(values)
            text = json.dumps(clean, ensure_ascii=False, default=str)
        # half a surrogate pair is no UTF-8; as \udxxx it is JSON and reads back the same
        whole = (text + "\n").encode("utf-8", "backslashreplace")
        while whole:
            whole = whole[os.write(self._file, whole) :]


def read_transcript(path: Path) -> Recorded:
    """The last session in the file. A line that does not parse ends it: a crash tore it.

    Raises HarnessError when there is no header, OSError when there is no file.
    """
    header: Header | None = None
    steps: list[Step] = []
    torn = False
    for raw in path.read_bytes().split(b"\n"):
        try:
            line = json.loads(raw)
            if line["type"] == "session":
                header, steps, torn = _header(line), [], False
            elif not torn:
                steps.append(step_of(line))
        except UNREADABLE:
            torn = True
    if header is None:
        raise HarnessError(f"{path} is no transcript: its first line is not a header")
    return Recorded(header, tuple(steps))


def _header(line: dict[str, Any]) -> Header:
    facts = {key: value for key, value in line.items() if key not in ("type", "at")}
    return Header(**facts | {"recalled": Recalled(*facts.get("recalled", ()))})
