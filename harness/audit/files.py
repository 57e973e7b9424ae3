"""The files of the audit: numbered, a day in each name, and a head that knows the last line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from harness.audit.line import GENESIS, Link
from harness.files import PRIVATE_FILE, locked, write_whole

HEAD = "head.json"
_NAME = re.compile(r"(\d{8})-(\d{4}-\d{2}-\d{2})\.jsonl")


@dataclass(frozen=True)
class Head:
    """What the last writer left: the last line, and where it ends."""

    seq: int
    hash: str
    file: str
    size: int  # bytes of `file` up to and with that line

    @property
    def link(self) -> Link:
        return Link(self.seq, self.hash)


@dataclass(frozen=True)
class Piece:
    """One file of a snapshot, open, and how long it was."""

    name: str
    file: BinaryIO
    size: int

    def lines(self) -> Iterator[bytes]:
        """Each line with its end; the last one may lack it."""
        left = self.size
        self.file.seek(0)
        while left > 0 and (raw := self.file.readline(left)):
            left -= len(raw)
            yield raw


@dataclass(frozen=True)
class Snapshot:
    """The log as it was at one moment, whatever is written, rotated and removed meanwhile."""

    head: Head | None
    head_bytes: bytes | None
    pieces: tuple[Piece, ...]


@contextmanager
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """Open the whole log; the lock is held only for as long as that takes. Raises OSError."""
    if not folder.is_dir():
        yield Snapshot(None, None, ())
        return
    with ExitStack() as stack:
        with locked(folder):
            files = [stack.enter_context(path.open("rb")) for path in log_files(folder)]
            sizes = [os.fstat(file.fileno()).st_size for file in files]
            head, raw = read_head(folder), read_bytes(folder / HEAD)
        pieces = (
            Piece(Path(file.name).name, file, size) for file, size in zip(files, sizes, strict=True)
        )
        yield Snapshot(head, raw, tuple(pieces))


def log_files(folder: Path) -> list[Path]:
    """The files of the log, oldest first: by number, since a clock may step back."""
    return sorted(path for path in folder.glob("*.jsonl") if _NAME.fullmatch(path.name))


def file_after(path: Path | None, day: date) -> str:
    """The name of the file that follows `path`."""
    number = int(path.name.split("-")[0]) + 1 if path else 1
    return f"{number:08d}-{day.isoformat()}.jsonl"


def day_of(path: Path) -> str:
    return path.name[9:19]


def read_head(folder: Path) -> Head | None:
    """None when there is none, or it cannot be read as one."""
    raw = read_bytes(folder / HEAD)
    try:
        head = Head(**json.loads(raw)) if raw is not None else None
    except (TypeError, ValueError, RecursionError):
        return None
    fits = head and isinstance(head.seq, int) and isinstance(head.size, int)
    return head if fits and head and len(str(head.hash)) == len(GENESIS) else None


def write_head(folder: Path, head: Head) -> None:
    write_whole(folder / HEAD, json.dumps(vars(head)) + "\n")


def read_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def append(path: Path, raw: bytes) -> None:
    """Write at the end of `path`: all of it, durably, or nothing. Raises OSError.

    When the disk is full what was begun is cut off again; should even that fail, the next
    writer meets a torn line and repairs it.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        before = os.fstat(handle).st_size
        try:
            left = memoryview(raw)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
