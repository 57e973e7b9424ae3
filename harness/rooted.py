"""A folder that no path leads out of, whatever a model writes and whoever moves files meanwhile.

A path is judged as text first. Then it is walked name by name from the open folder, and a name
that turns out to be a symbolic link ends the walk: there is no moment between looking and
opening in which a folder could become a link to somewhere else.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from harness.errors import HarnessError, Held, explained
from harness.files import PRIVATE_FILE, PRIVATE_FOLDER, LinkRefused, make_folder

DEEPEST = 32  # names of one path
LONGEST_NAME = 255  # bytes, as on every common disk
PATIENCE = 10.0  # seconds, for a folder that others hold
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
DRAFTING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # controls, formats, halves of pairs, line ends
FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


class Outside(HarnessError):
    """The path leads out of its root, or nobody could tell by looking at it where it leads."""


class Missing(HarnessError):
    """Nothing has that path."""


class Unfit(HarnessError):
    """What has that path is no file that can be used: its kind, its size or its content."""


def normal(path: str) -> PurePosixPath:
    """The one form of a path, relative to its root, for rules to judge and for opening.

    `./a//b/` is `a/b`, and `.` is the root itself. Raises Outside for all that has no such form;
    an absolute path is refused even below the root, so that a file has one path.
    """
    if fault := fault_of(path):
        raise Outside(f"{path!r:.200} is no path to be used here: {fault}")
    return PurePosixPath(path)


def fault_of(path: str) -> str | None:
    """Why a text is no path within a root, or None."""
    parts = PurePosixPath(path).parts
    if not path or any(part.isspace() for part in parts):
        return "it is empty, or a name in it is"
    if any(unicodedata.category(sign) in UNSEEN or sign in FILLERS for sign in path):
        return "it has characters that nobody sees"
    if path.startswith("/") or "".join(parts[:1]).startswith("~"):
        return "give a relative one, such as notes/today.md"
    if "\\" in path:
        return "folders are parted by /"
    if ".." in parts:
        return "`..` leads out of a folder; write the path without it"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"a name has at most {LONGEST_NAME} bytes"
    if len(parts) > DEEPEST:
        return f"it is deeper than {DEEPEST} folders"
    return None


def folded(path: str) -> str:
    """The form in which names are compared: some disks know no case, and one way to write ä.

    Two names that are one file on any of them are the same here (Unicode 3.13, D145).
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


class Root:
    """A folder; methods take paths relative to it, as a model or a person wrote them.

    They raise Outside, Missing, Unfit, LinkRefused, and HarnessError for what the system refuses.
    They block, so they belong into a thread.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` needs not exist yet, and may itself be a link that a person made."""
        self.folder = Path(os.path.realpath(folder))

    def read(self, path: str, max_bytes: int) -> bytes:
        """All of a plain file. Unfit when it is longer than `max_bytes`, or has a second name:
        rules judge a file by its name, and a hard link is one that they do not see."""
        way = normal(path)
        with told(way), self._folder(way.parent) as folder, opened(folder, way) as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise Unfit(f"{way} is too large: it has more than {max_bytes} bytes")
        return data

    def read_text(self, path: str, max_bytes: int) -> str:
        """The same as text; Unfit when it is not text in UTF-8. Line ends stay as they are."""
        data = self.read(path, max_bytes)
        if b"\0" in data:
            raise Unfit(f"{normal(path)} is no text: it has zero bytes")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unfit(f"{normal(path)} is no text in UTF-8 (byte {error.start + 1})") from error

    def write(self, path: str, text: str) -> None:
        """Make `text` the content of a file; durable when this returns, and never half there.

        Missing folders are made. A file that is replaced leaves its mode, and its other names
        keep the old content: nothing is ever written through a link, hard or symbolic.
        """
        way = normal(path)
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Unfit(f"{way}: character {error.start + 1} of the text is half a sign") from error
        with told(way), self._folder(way.parent, make=True) as folder:
            replace(folder, way.name, data, mode_there(folder, way))

    def is_file(self, path: str) -> bool:
        """Whether a plain file has that path. Raises Outside; LinkRefused for a link above it."""
        way = normal(path)
        try:
            with told(way), self._folder(way.parent) as folder:
                return stat.S_ISREG(status_of(folder, way).st_mode)
        except (Missing, Unfit):
            return False

    def walk(
        self, path: str = ".", skip: Callable[[str], bool] = lambda path: False
    ) -> Iterator[str]:
        """The paths of all plain files below a folder, each folder's own before those of the next.

        Links are not followed; `skip` leaves out a file, or a folder with all that it holds.
        Folders that vanish meanwhile are left out.
        """
        found = self._listing(path, skip)
        yield from (name for name, is_folder in found if not is_folder)
        for folder in (name for name, is_folder in found if is_folder):
            with suppress(Missing, LinkRefused, Unfit):
                yield from self.walk(folder, skip)

    @contextmanager
    def locked(self, path: str, *, make: bool = False) -> Iterator[None]:
        """Hold the folder of a file alone, as `harness.files.locked` does; `make` it if missing.

        For one read and one write: others wait. Raises Held when it is not free in time.
        """
        way = normal(path)
        with told(way), self._folder(way.parent, make=make) as folder:
            hold(folder, way)
            yield

    def _listing(self, path: str, skip: Callable[[str], bool]) -> list[tuple[str, bool]]:
        """The plain files and the folders in a folder, by name, and whether each is a folder."""
        way = normal(path)
        with told(way), self._folder(way) as folder, os.scandir(folder) as entries:
            found = [
                (str(way / entry.name), entry.is_dir(follow_symlinks=False))
                for entry in entries
                if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
            ]
        return sorted(each for each in found if not fault_of(each[0]) and not skip(each[0]))

    @contextmanager
    def _folder(self, way: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        """The open folder at the end of `way`."""
        if make:
            make_folder(self.folder)
        handle = os.open(self.folder, FOLDER)
        try:
            for name in way.parts:
                above, handle = handle, step(handle, name, make=make)
                os.close(above)
            yield handle
        finally:
            os.close(handle)


def step(folder: int, name: str, *, make: bool) -> int:
    """Open the folder `name` in an open folder. Raises OSError; ELOOP when it is a link."""
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, PRIVATE_FOLDER, dir_fd=folder)
            os.fsync(folder)
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except NotADirectoryError:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(there.st_mode):  # Linux tells of the folder that it is not
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


def hold(folder: int, way: PurePosixPath) -> None:
    """Lock an open folder. It may be held by a program that never gives it back, and who waits
    for that keeps one of the few threads of the house."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise Held(f"another program holds the folder of {way}") from error
        time.sleep(0.01)


@contextmanager
def opened(folder: int, way: PurePosixPath) -> Iterator[BinaryIO]:
    """A plain file, open for reading. It is looked at before, as some devices act when they are
    opened, and after, because only then it cannot become another one."""
    refuse_odd(way, status_of(folder, way))
    handle = os.open(way.name or ".", READING, dir_fd=folder)
    try:
        refuse_second_name(way, os.fstat(handle))
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def refuse_second_name(way: PurePosixPath, there: os.stat_result) -> None:
    """Raise Unfit unless this is a plain file with one name."""
    refuse_odd(way, there)
    if there.st_nlink > 1:
        hint = "make it a file of its own: copy it, and put the copy in its place"
        raise Unfit(f"{way} has a second name (a hard link)", hint=hint)


def refuse_odd(way: PurePosixPath, there: os.stat_result) -> None:
    """Raise LinkRefused or Unfit unless this is a plain file."""
    if stat.S_ISLNK(there.st_mode):
        raise LinkRefused(f"{way} is a symbolic link, and is not followed")
    if stat.S_ISDIR(there.st_mode):
        raise Unfit(f"{way} is a folder, not a file")
    if not stat.S_ISREG(there.st_mode):
        raise Unfit(f"{way} is no plain file: it is a pipe, a socket or a device")


def status_of(folder: int, way: PurePosixPath) -> os.stat_result:
    return os.stat(way.name or ".", dir_fd=folder, follow_symlinks=False)


def mode_there(folder: int, way: PurePosixPath) -> int:
    """The mode for a file that replaces what is there. Raises as `refuse_odd`."""
    try:
        there = status_of(folder, way)
    except FileNotFoundError:
        return PRIVATE_FILE
    refuse_odd(way, there)
    return there.st_mode & 0o777


def replace(folder: int, name: str, data: bytes, mode: int) -> None:
    """Put a whole file into an open folder, in place of what has the name. Raises OSError."""
    draft = f".{name[:40]}-{secrets.token_hex(8)}.tmp"
    handle = os.open(draft, DRAFTING, PRIVATE_FILE, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=folder)
        raise
    os.fsync(folder)


@contextmanager
def told(way: PurePosixPath) -> Iterator[None]:
    """Say what the system refuses in the words of a Root."""
    try:
        yield
    except OSError as error:
        match error.errno:
            case errno.ELOOP:
                raise LinkRefused(f"{way}: a symbolic link is in the way") from error
            case errno.ENOENT:
                raise Missing(f"there is no {way}") from error
            case errno.ENOTDIR:
                raise Unfit(f"{way}: a file is where a folder should be") from error
            case _:
                raise explained(OSError(error.errno, error.strerror, str(way))) from error
