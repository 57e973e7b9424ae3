"""Files that a command's streams are led to, opened by us and never outside of the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from harness.permission.script import NOWHERE, Redirect

Opener = Callable[[Path, str, int], int]  # folder, path as given, flags of os.open -> descriptor
FLAGS = {
    "<": os.O_RDONLY,
    ">": os.O_WRONLY | os.O_CREAT,
    ">>": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def opened(redirect: Redirect, folder: Path, opener: Opener) -> int:
    """A descriptor for the redirect. Raises OSError; what is not a plain file is refused."""
    if redirect.target == NOWHERE:
        return os.open(NOWHERE, os.O_RDWR | os.O_CLOEXEC)
    descriptor = opener(folder, redirect.target, FLAGS[redirect.mode] | ALWAYS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{redirect.target}: not a plain file")
        if redirect.mode == ">":
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_inside(folder: Path, path: str, flags: int) -> int:
    """Open step by step below `folder`: no dots, no links, nothing that changes meanwhile."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise OSError(f"{path}: not a path within the workspace")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            below = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here
            )
            os.close(here)
            here = below
        return os.open(parts[-1], flags, 0o600, dir_fd=here)
    finally:
        os.close(here)
