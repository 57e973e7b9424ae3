"""Files that are whole or not there at all, and readable by their owner alone."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for the owner alone."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


class LinkRefused(HarnessError):
    """The path is a symbolic link; what it points at is nobody's business here."""


def write_whole(path: Path, text: str, *, mode: int = PRIVATE_FILE, durable: bool = True) -> None:
    """Make `text` the content of `path`, in UTF-8; durable when this returns.

    Whoever reads meanwhile, and whoever looks after a crash, sees the old file or the new one.
    A cache, which a power cut may take, needs not be `durable`. The folder must exist. Raises
    OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def read_plain(path: Path) -> str | None:
    """The text of a file, odd bytes replaced; None when there is none. Raises LinkRefused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkRefused(f"{path.name} is a symbolic link and is not followed") from error
        raise
    with os.fdopen(handle, "rb") as file:
        return file.read().decode("utf-8", errors="replace")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, made when missing, alone: against other threads and other processes.

    Waits until it is free, so hold it for one read and one write, and never over an await.
    """
    make_folder(folder)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which gives the lock back


def mode_of(path: Path) -> int:
    """The mode of a file that is there, for whoever replaces it; that of a new one otherwise."""
    try:
        return path.lstat().st_mode & 0o777
    except FileNotFoundError:
        return PRIVATE_FILE


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a file is not on the disk before its name is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
