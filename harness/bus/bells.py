"""Tells other processes that something changed: each that listens owns a named pipe.

A named pipe and no unix socket: the path of a socket may have 108 bytes, and a home may lie
deeper than that. One byte says "look again"; what changed stands in the database.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

YOUNG_NANOSECONDS = 2_000_000_000

_numbers = itertools.count()  # two bells of one process have different names


class Bell:
    """The pipe on which others ring this process; `rung` is called in the event loop."""

    def __init__(self, folder: Path, rung: Callable[[], None]) -> None:
        self.path = folder / f"{os.getpid()}-{next(_numbers)}"
        self.rung = rung
        self._loop = asyncio.get_running_loop()
        self._read, self._write = make_pipe(self.path)
        self._loop.add_reader(self._read, self._hear)

    def close(self) -> None:
        self._loop.remove_reader(self._read)
        self.path.unlink(missing_ok=True)
        os.close(self._read)
        os.close(self._write)

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while len(os.read(self._read, 4096)) == 4096:
                pass
        self.rung()


def make_pipe(path: Path) -> tuple[int, int]:
    """A new named pipe, opened at both ends. Raises OSError where there is no such thing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)  # left by an earlier process of the same number
    os.mkfifo(fresh, 0o600)
    read = os.open(fresh, os.O_RDONLY | os.O_NONBLOCK)
    # without a writer of our own, the reader would be "at its end", which is always readable
    write = os.open(fresh, os.O_WRONLY | os.O_NONBLOCK)
    fresh.replace(path)  # seen only now: nobody may take it for a pipe without a reader
    return read, write


class Neighbours:
    """The bells of all other processes, to be rung after each commit.

    The folder is listed anew only when it has changed, since most commits have no listener.
    A time of change that is this young may still hide a second change within one tick of
    the file system's clock, and is not relied on.
    """

    def __init__(self, folder: Path, own: Path | None = None) -> None:
        self.folder = folder
        self.own = str(own)
        self._changed = 0
        self._bells: list[str] = []

    def ring(self) -> None:
        """Ring every bell but our own; those whose process is gone are removed."""
        try:
            changed = os.stat(self.folder).st_mtime_ns  # noqa: PTH116 - half the time of Path
        except FileNotFoundError:  # nobody ever listened here
            return
        if changed != self._changed:
            self._bells = self._list()
            self._changed = changed if time.time_ns() - changed > YOUNG_NANOSECONDS else 0
        for bell in self._bells:
            ring_one(bell)

    def _list(self) -> list[str]:
        with os.scandir(self.folder) as entries:
            found = [entry.path for entry in entries if not entry.name.startswith(".")]
        return [bell for bell in found if bell != self.own]


def ring_one(bell: str) -> None:
    try:
        pipe = os.open(bell, os.O_WRONLY | os.O_NONBLOCK)
    except FileNotFoundError:  # its process just left
        return
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        Path(bell).unlink(missing_ok=True)  # no reader: the process died without leaving
        return
    try:
        os.write(pipe, b"!")
    except (BlockingIOError, BrokenPipeError):  # full: it has been told; broken: it just left
        pass
    finally:
        os.close(pipe)
