"""One daemon to a home: a lock that the system itself lets go when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO

from harness.config.home import Home
from harness.errors import Held
from harness.text.secrets import Redactor

PATIENCE_SECONDS = 1.0
LOOK_SECONDS = 0.02


@dataclass
class HomeLock:
    """Held while a `with` block runs; `tell` writes for others who holds it."""

    home: Home
    file: TextIO | None = None

    def __enter__(self) -> HomeLock:
        self.home.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self.home.lock.open("a+", encoding="utf-8")
        if not taken(file):
            file.close()
            raise held_by(self.home)
        self.home.lock.chmod(0o600)
        self.file = file
        self.tell(pid=os.getpid())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.file:
            self.file.close()  # which lets go of the lock
            self.file = None

    def tell(self, **facts: Any) -> None:
        """Replace what the lock file says of its holder; no secret in a fault gets into it."""
        assert self.file is not None
        self.file.seek(0)
        self.file.truncate()
        json.dump(Redactor().value(facts), self.file)
        self.file.flush()

    def beat(self) -> None:
        """Show by the file's time that the holder lives."""
        assert self.file is not None
        os.utime(self.file.fileno())

    def intact(self) -> bool:
        """Whether the lock that we hold is still the home's: its file may have been removed,
        and then a second daemon finds nothing that stops it."""
        assert self.file is not None
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), self.home.lock.stat())
        except OSError:
            return False


def taken(file: TextIO) -> bool:
    """Whether the lock is ours now. Whoever only looks holds it too, for an instant."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        else:
            return True


def holder(home: Home) -> dict[str, Any] | None:
    """What the daemon of this home says of itself, or None when there is none."""
    try:
        file = home.lock.open(encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return facts_of(file)
    return None


def silence(home: Home) -> float:
    """Seconds since the daemon of this home last showed that it lives; 0 without a lock file."""
    try:
        return max(time.time() - home.lock.stat().st_mtime, 0.0)
    except OSError:
        return 0.0


def facts_of(file: TextIO) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        file.seek(0)
        try:
            facts = json.load(file)
        except (ValueError, RecursionError):  # caught between two writes
            time.sleep(LOOK_SECONDS)
        else:
            return facts if isinstance(facts, dict) else {}
    return {}


def held_by(home: Home) -> Held:
    pid = (holder(home) or {}).get("pid", "unknown")
    return Held(
        f"another daemon holds {home.root} (process {pid})",
        hint="look at it with: harness status; end it with: harness down",
    )
