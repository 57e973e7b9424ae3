"""The journal: every change that the house made in an agent's memory, as a patch. Never rewritten.

One JSON object a line in `.learnings/CHANGES.jsonl`. A change told twice is one change, and its
last telling holds: whoever writes tells first and acts then.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.clock import stamp, unstamp
from harness.errors import HarnessError, NotFound
from harness.files import PRIVATE_FILE, make_folder, read_exact, sync_folder

FILE = "CHANGES.jsonl"


class Act(StrEnum):
    """What was done to a memory file."""

    PROMOTE = "promote"  # lessons became a rule, perhaps in the place of one that it contradicts
    MERGE = "merge"  # lessons joined a rule that says the same
    SUPERSEDE = "supersede"  # a rule went to the archive
    REWRITE = "rewrite"  # lines were condensed
    REMOVE = "remove"  # a person struck a rule by hand, and it was noticed
    UNDO = "undo"  # another change was taken back


@dataclass(frozen=True)
class Change:
    """A patch with its preimage: `before` stood in the file, `after` stands there instead."""

    id: str
    at: datetime
    by: str  # a person, an agent, or a job
    action: Act
    path: str  # of the file, relative to the home
    before: str  # lines that stood there, joined by line feeds; empty: nothing was taken out
    after: str  # lines that stand there; empty: nothing was put in
    entries: tuple[str, ...] = ()  # ids of the lessons that it rests on
    undoes: str = ""  # the id of the change that it takes back
    reason: str = ""
    line: int = 0  # where, from 1
    above: str = ""  # the line above it
    part_of: str = ""  # the id of the first change of the same act

    def told(self) -> str:
        """As one line of the journal."""
        return json.dumps(asdict(self) | {"at": stamp(self.at)}, ensure_ascii=False)


class Journal:
    """Appends changes, and reads them back in their order."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def append(self, *changes: Change) -> None:
        """Durable when this returns. Raises HarnessError when the file is a link, and OSError."""
        make_folder(self.path.parent)
        new = not self.path.exists()
        handle = _opened(self.path)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            torn = "\n" if _is_torn(handle) else ""
            text = torn + "".join(f"{change.told()}\n" for change in changes)
            file.seek(0, os.SEEK_END)
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(handle)
        if new:
            sync_folder(self.path.parent)

    def changes(self) -> list[Change]:
        """All of them, oldest first. Lines that do not parse are left out: a crash tore them."""
        told: dict[str, Change] = {}
        for line in (read_exact(self.path) or "").split("\n"):
            change = _read(line)
            if change is not None:
                told.pop(change.id, None)
                told[change.id] = change
        return list(told.values())

    def get(self, id: str) -> Change:
        """The change of that id. Raises NotFound."""
        for change in self.changes():
            if change.id == id:
                return change
        raise NotFound(
            f"no change {id} in {self.path.parent.parent.name}'s memory",
            hint="`harness memory why` tells the changes that made a rule",
        )


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, PRIVATE_FILE)
    except OSError as error:
        raise HarnessError(
            f"{path.name} cannot be written: {error.strerror}",
            hint="it must be a plain file of yours: move away what is there",
        ) from error


def _is_torn(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _read(line: str) -> Change | None:
    try:
        told: dict[str, Any] = json.loads(line)
        return Change(
            **told
            | {
                "at": unstamp(told["at"]),
                "action": Act(told["action"]),
                "entries": tuple(told["entries"]),
            }
        )
    except (ValueError, TypeError, KeyError):
        return None
