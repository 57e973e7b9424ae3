"""Files that are whole or not there at all, and readable by their owner alone."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError, Held

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
ROUNDS = 100  # times that a revision begins anew because somebody else wrote
PATIENCE = 3.0  # seconds to wait for somebody who has the file open for writing
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD; RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


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
    handle = _opened(path)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read().decode("utf-8", errors="replace")


def read_exact(path: Path) -> str | None:
    """The text of a file with its newlines, bytes that are no UTF-8 as lone surrogates
    (`surrogateescape`), so that it can be written back as it was; None when there is none.

    Raises LinkRefused, HarnessError for what is no plain file, OSError.
    """
    return _look(path, even_half=True)


def settled(path: Path, patience: float | None = None) -> str | None:
    """The same when nobody has the file open for writing any more, as far as the system tells
    (Linux, own files); waits for it, PATIENCE unless told. Raises Held, too."""
    until = time.monotonic() + (PATIENCE if patience is None else patience)
    while True:
        try:
            return _look(path, even_half=False)
        except Held:
            if time.monotonic() >= until:
                raise
        time.sleep(0.002)


def _opened(path: Path) -> int | None:
    """The file, open for reading; None when there is none. Raises LinkRefused."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LinkRefused(f"{path.name} is a symbolic link and is not followed") from error
        raise


def _look(path: Path, even_half: bool) -> str | None:
    handle = _opened(path)
    if handle is None:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise HarnessError(f"{path.name} is no plain file")
        if not even_half and being_written(handle):
            raise Held(f"{path.name} is being written by somebody else: try again later")
        return file.read().decode("utf-8", errors="surrogateescape")


def being_written(handle: int) -> bool:
    """Whether somebody has an open file open for writing: then Linux refuses a lease on it."""
    if sys.platform != "linux":
        return False
    try:
        # who opens it just now breaks the lease; the usual signal for that would end the process
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file of somebody else, or a disk without leases: nobody can tell
    fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def revise(path: Path, change: Callable[[str | None], str]) -> str:
    """Make of the text of `path` (None when there is no file) what `change` makes of it.

    Whole and durable as with `write_whole`, with the mode that the file has; bytes that are no
    UTF-8 stay what they are. `change` must be pure: it is called again when somebody wrote at the
    same moment. Hold the folder with `locked` against our own processes; an editor does not know
    that lock. Whatever he writes, in place or by rename, before, while or after we do, stays:

    - two files trade names in one step, and what comes out is compared with what was read; where
      it is something else, it gets its name back, and the change is made to it;
    - who has the old file open for writing is waited for, as long as PATIENCE goes;
    - somebody may read our text just then, and save it over that of the editor: so what came out
      stays beside, too, as NAME.kept-..., for a person to look at. It takes bad luck to the
      microsecond.

    Where the system has no such step, or tells of no writers, a moment of microseconds remains.
    Returns the new text. Raises LinkRefused, Held, HarnessError, OSError, and what `change` raises.
    """
    for _ in range(ROUNDS):
        before = settled(path)
        after = change(before)
        if after == before:
            return after
        with drafted(path, after) as draft:
            if swapped_in(draft, path, before, after):
                sync_folder(path.parent)
                return after
    raise Held(f"{path.name} is written by somebody else all the time: try again later")


@contextmanager
def drafted(path: Path, text: str) -> Iterator[Path]:
    """A durable file beside `path` with that text and its mode; gone afterwards, whatever it is."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode_of(path))
            file.write(text.encode("utf-8", errors="surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def swapped_in(draft: Path, path: Path, before: str | None, after: str) -> bool:
    """Put the draft in the place of what was read, or of nothing; False when that has changed."""
    if before is None:
        return placed(draft, path)
    if settled(path) != before:
        return False
    try:
        exchange(draft, path)
    except FileNotFoundError:
        return False  # it was removed meanwhile
    try:
        out = settled(draft, patience=0)
    except Held:
        give_back(draft, path, after)
        return False
    except BaseException:
        give_back(draft, path, after)
        raise
    if out != before:
        keep_beside(path, out)
        give_back(draft, path, after)
    return out == before


def placed(draft: Path, path: Path) -> bool:
    """Give the draft a name that nobody has; False when somebody has it by now."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        draft.replace(path)
    return True


def give_back(draft: Path, path: Path, after: str) -> None:
    """Undo the trade; what came into our place meanwhile is kept beside."""
    try:
        exchange(draft, path)
    except FileNotFoundError:
        return keep_beside(path, settled(draft))  # our place was taken away
    if (ours := settled(draft)) != after:
        keep_beside(path, ours)
    return None


def keep_beside(path: Path, text: str | None) -> None:
    handle, _ = tempfile.mkstemp(prefix=f"{path.name}.kept-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write((text or "").encode("utf-8", errors="surrogateescape"))
        os.fsync(file.fileno())


def exchange(one: Path, other: Path) -> None:
    """Let two files trade their names: in one step, where the system can. Raises OSError."""
    failed = _exchange(one, other)
    if failed in _CANNOT:
        spare = one.with_name(f"{one.name}.spare")
        try:
            os.link(other, spare, follow_symlinks=False)
        except OSError:  # a disk without links: for a moment there is no file
            other.rename(spare)
        one.replace(other)
        spare.replace(one)
    elif failed:
        raise OSError(failed, os.strerror(failed), str(other))


def _exchange(one: Path, other: Path) -> int:
    """The number of what went wrong; 0 when it is done."""
    system = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    try:
        if sys.platform == "darwin":
            result = system.renamex_np(*names, _EXCHANGE)
        else:
            result = system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE)
    except AttributeError:
        return errno.ENOSYS
    return ctypes.get_errno() if result else 0


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
