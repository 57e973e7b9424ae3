"""The ground the daemon stands on: its lock and its database, which somebody may take away."""

from __future__ import annotations

from collections.abc import Callable
from os import path

from harness.bus.reader import Reader
from harness.clock import Clock
from harness.config.home import Home
from harness.errors import Fatal


class Floor:
    """Looks whether lock and database are still the files that were opened.

    What is written to a file that was removed is gone once it is closed: the daemon has to
    end, and copies the database out of it as the last thing it does.
    """

    def __init__(
        self, home: Home, reader: Reader, is_ours: Callable[[], bool], clock: Clock
    ) -> None:
        """`is_ours`: whether the lock that we hold is still the home's."""
        self.home, self.reader, self.is_ours, self.clock = home, reader, is_ours, clock
        self.opened = home.database.stat()

    def check(self) -> None:
        """Raises Fatal when one of them was removed or replaced."""
        if not self.is_ours():
            raise Fatal("the folder .harness was removed or replaced while the crew ran")
        if not self.is_there():
            raise Fatal("the database was removed or replaced while the crew ran")

    def is_there(self) -> bool:
        try:
            return path.samestat(self.opened, self.home.database.stat())
        except OSError:
            return False

    def rescue(self) -> str:
        """Copy the database to its place if that is free and ours, else beside the home's
        files; what a person has to know of it. Raises HarnessError."""
        database = self.home.database
        if self.is_ours() and not database.exists():
            for companion in ("-wal", "-shm"):  # of the file that is gone, and of no other
                database.with_name(database.name + companion).unlink(missing_ok=True)
            self.reader.copy_to(database)
            return "it was written anew from what was open; start again: harness up"
        beside = self.home.root / f"harness.db.rescued-{self.clock.now():%Y%m%dT%H%M%SZ}"
        self.reader.copy_to(beside)
        return f"what was in it is kept in {beside}; to go on with that, move it to {database}"
