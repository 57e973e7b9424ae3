"""Restores a home from a backup: checks all of it, then swaps; the old home is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.backup.manifest import FILES, FOLDERS, BackupRefused, Manifest
from harness.backup.swap import (
    SWAPPING,
    UNPACKING,
    Swap,
    close_journal,
    move,
    restoring,
    swap_for,
    write_journal,
)
from harness.backup.unpack import unpack
from harness.config.home import Home, is_home
from harness.files import make_folder
from harness.services.lock import HomeLock

STATE = ".harness"
DATABASES = {
    f"{name}{suffix}" for name in ("harness.db", "ledger.db") for suffix in ("", "-wal", "-shm")
}
KNOWN_STATE = {*DATABASES, "audit", "lock", "bells", "cache", "listeners", "pool.json"}


@dataclass(frozen=True)
class Restored:
    """A home that is in its place again."""

    home: Path
    before: Path | None  # where the old one is kept; None when there was none
    manifest: Manifest
    left_behind: tuple[str, ...]  # entries of the old home that no backup holds


def restore(file: Path, home: Path, now: datetime) -> Restored:
    """Put the home that `file` holds in the place `home`.

    Raises Held (6) while a daemon holds it, BackupRefused, SchemaTooNew (78), HarnessError,
    OSError; the home is then as it was.
    """
    if not file.is_file():
        raise BackupRefused(f"there is no file {file}")
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        raise BackupRefused(f"{home} is no folder")
    make_folder(home.parent)
    with restoring(home) as journal:
        existed = home.exists()
        swap = swap_for(home, now.strftime("%Y%m%dT%H%M%SZ"))
        try:
            with nobody_in(home):
                write_journal(journal, UNPACKING, swap)
                manifest = unpack(file, swap.fresh)
                write_journal(journal, SWAPPING, swap)
                move(swap)
        except BaseException:
            take_back(swap)
            raise
        finally:
            close_journal(journal)
    before = swap.before if existed else None
    return Restored(home, before, manifest, left_behind(before))


@contextmanager
def nobody_in(home: Path) -> Iterator[None]:
    """Hold the home's lock, so that no daemon runs or starts in it; raises Held."""
    if not is_home(home) and not (home / ".harness").is_dir():
        yield
        return
    with HomeLock(Home(home)):
        yield


def take_back(swap: Swap) -> None:
    """After an error, not a crash: the old home back in its place, the fresh one gone."""
    if not swap.home.exists() and swap.before.exists():
        swap.before.rename(swap.home)
    shutil.rmtree(swap.fresh, ignore_errors=True)


def left_behind(before: Path | None) -> tuple[str, ...]:
    """What only the old home has: transcripts, logs, a token, and files of other programs."""
    if before is None:
        return ()
    names = {entry.name for entry in before.iterdir()} - {*FILES, *FOLDERS, STATE}
    state = before / STATE
    within = {entry.name for entry in state.iterdir()} - KNOWN_STATE if state.is_dir() else set()
    return tuple(sorted({*names, *(f"{STATE}/{name}" for name in within)}))
