"""What the files of a command held when its hook was frozen: a change since then shows."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seal:
    """The files inside the home that a command names, with the SHA-256 of each."""

    files: tuple[tuple[Path, str | None], ...] = ()  # None: there was no such file

    @classmethod
    def of(cls, command: Sequence[str], root: Path) -> Seal:
        """The seal of a command whose first word is the program's absolute path; `root` is the
        home."""
        return cls(tuple((path, digest_of(path)) for path in own_files(command, root)))

    @property
    def digest(self) -> str:
        """One hash for all of it."""
        lines = "".join(f"{path}\0{digest}\n" for path, digest in self.files)
        return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()[:16]

    def broken_by(self) -> Path | None:
        """The first file that is not what it was, or None."""
        return next((path for path, digest in self.files if digest_of(path) != digest), None)


def own_files(command: Sequence[str], root: Path) -> Iterator[Path]:
    """The program, and whatever else among the words is a file, where they lie in the home."""
    for number, word in enumerate(command):
        path = Path(os.path.normpath(root / word))
        if (number == 0 or path.is_file()) and lies_in(path, root):
            yield path


def lies_in(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve())


def digest_of(path: Path) -> str | None:
    """The SHA-256 of a file; None when it is none, or cannot be read."""
    try:
        # without waiting: somebody may have put a named pipe in its place
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()
