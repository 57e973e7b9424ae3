"""What crashes left lying about: bells that nobody hears, and files that were never finished."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from harness.config.home import Home
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.text.words import a_few

SHOWN = 5  # paths that a message names
HOUR = 3600.0  # a draft lives for milliseconds; a copy of the database, for minutes
WRITTEN = ("agents", "memory", "shared-context", "archive", ".harness")  # where drafts can lie
EDITED = ("agents", "memory", "shared-context")  # where the house writes what a person edits
KEPT = "*.kept-*"  # beside a file that two wrote at once: harness/files.py
COPY = re.compile(r"\.(\d+)\.new$")
PIPE = re.compile(r"\.?(?:\w+\.)?(\d+)-\d+$")  # of a bell; of a listener, after its task


def leftovers(patient: Patient) -> Iterator[Finding]:
    """No crash left anything behind, and no editor a copy that nobody has looked at."""
    root = patient.home.root
    yield from kept_beside(patient.home)
    stale = [*dead_pipes(patient.home), *unfinished(patient.home, patient.now.timestamp())]
    if not stale:
        return
    named = a_few((str(path.relative_to(root)) for path in stale), SHOWN)
    yield Finding(
        Level.WARNING,
        f"left by processes that died: {named}",
        "remove them",
        partial(remove, stale, root),
    )


def kept_beside(home: Home) -> Iterator[Finding]:
    """What an editor wrote in the very moment in which the house did: only a person can tell
    whether his words are all in the file."""
    found = [path for folder in EDITED for path in sorted((home.root / folder).rglob(KEPT))]
    if found:
        named = a_few((str(path.relative_to(home.root)) for path in found), SHOWN)
        fix = "compare each with the file beside it, then delete it"
        yield Finding(Level.WARNING, f"saved by an editor while the house wrote: {named}", fix)


def dead_pipes(home: Home) -> Iterator[Path]:
    """Named pipes on which nobody listens, and their drafts when the process is gone."""
    for path in sorted([*home.bells.glob("*"), *home.listeners.rglob("*")]):
        match = PIPE.fullmatch(path.name)
        if match is None or not is_pipe(path):
            continue
        is_draft = path.name.startswith(".")
        if not (lives(int(match[1])) if is_draft else heard(path)):
            yield path


def unfinished(home: Home, now: float) -> Iterator[Path]:
    """Drafts of files that were to be written whole."""
    for folder in WRITTEN:
        for path in sorted((home.root / folder).rglob(".*.tmp")):
            if is_old(path, now):
                yield path
    for path in sorted(home.state.glob("*.new")):
        match = COPY.search(path.name)
        if match is not None and not lives(int(match[1])):
            yield path


def is_old(path: Path, now: float) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:  # it was being finished
        return False
    return stat.S_ISREG(there.st_mode) and now - there.st_mtime > HOUR


def is_pipe(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return stat.S_ISFIFO(path.lstat().st_mode)
    return False


def heard(bell: Path) -> bool:
    """Whether somebody has the pipe open to be told."""
    try:
        os.close(os.open(bell, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return error.errno != errno.ENXIO
    return True


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def remove(stale: list[Path], root: Path) -> str:
    """Raises OSError."""
    for path in stale:
        path.unlink(missing_ok=True)
    return f"removed {', '.join(str(path.relative_to(root)) for path in stale)}"
