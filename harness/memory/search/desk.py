"""One connection to the index, for one thread at a time, that notices when its file is gone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.db.connection import explained
from harness.memory.search.store import broken, open_index, remove

T = TypeVar("T")


class Renewed(Exception):
    """The database was broken; an empty one is in its place, so the work begins again."""


class Desk:
    """Does work on the database of the index, which is opened at the first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.opened = 0  # how often; with each, all that was known of the content is over
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives. Raises Renewed, and HarnessError for what a new file cannot mend."""
        with self.lock, explained(self.path):
            try:
                return work(self._open())
            except sqlite3.DatabaseError as error:
                if not broken(error):
                    raise
                self.close()
                remove(self.path)
                raise Renewed from error

    def close(self) -> None:
        with self.lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db is None or inode_of(self.path) != self._inode:
            self.close()
            self._db = open_index(self.path)
            self._inode = inode_of(self.path)
            self.opened += 1
        return self._db


def inode_of(path: Path) -> int:
    """The number of a file on its disk; 0 for none. One that is open keeps it for itself."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
