"""Puts an unpacked home in the place of another, so that a crash at any moment can be mended.

A journal beside the home says how far it came. What a crash can leave, and what the next
`restore`, or the next command that does not find the home, makes of it:

| journal     | the home      | the fresh one | then                                        |
|-------------|---------------|---------------|---------------------------------------------|
| `unpacking` | as it was     | unfinished    | the unfinished one is removed               |
| `swapping`  | as it was     | whole         | the fresh one is removed                    |
| `swapping`  | moved aside   | whole         | the fresh one takes its place               |
| `swapping`  | the fresh one | not there     | nothing is left to do                       |
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Held
from harness.files import PRIVATE_FILE, sync_folder

UNPACKING = "unpacking"
SWAPPING = "swapping"


@dataclass(frozen=True)
class Swap:
    """Three places in one folder: the home, the fresh one, and where the old one goes."""

    home: Path
    fresh: Path
    before: Path


def journal_of(home: Path) -> Path:
    return home.with_name(f".{home.name}.restore")


def swap_for(home: Path, time: str) -> Swap:
    """The places for a restore at this time; `before` is a name that is free."""
    before = home.with_name(f"{home.name}.before-restore-{time}")
    number = 1
    while before.exists():
        number += 1
        before = home.with_name(f"{home.name}.before-restore-{time}-{number}")
    return Swap(home, home.with_name(f".{home.name}.restore-{time}"), before)


@contextmanager
def restoring(home: Path) -> Iterator[Path]:
    """Hold the right to restore this home; what a crash left is mended first.

    Raises Held when another process restores it.
    """
    journal = journal_of(home)
    handle = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        take(handle, journal, home)
        mend(home, journal)
        yield journal
    finally:
        os.close(handle)


def take(handle: int, journal: Path, home: Path) -> None:
    """Make the journal ours. Raises Held."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), journal.stat()):
            return
    except (BlockingIOError, FileNotFoundError):  # held, or given back just now
        pass
    raise Held(f"another process restores {home}", hint="wait until it has ended")


def close_journal(journal: Path) -> None:
    """Nothing is under way any more."""
    journal.unlink()
    sync_folder(journal.parent)


def write_journal(journal: Path, phase: str, swap: Swap) -> None:
    """Say durably how far it came. In the file itself: it is the lock, too. Half a text is
    found in the first phase only, in which nothing was moved."""
    names = {"fresh": swap.fresh.name, "before": swap.before.name}
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"phase": phase, **names}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(journal.parent)


def mend(home: Path, journal: Path) -> None:
    """Finish, or take back, what a crash interrupted."""
    last = None
    for raw in journal.read_text(encoding="utf-8").splitlines():
        try:
            last = json.loads(raw)
        except ValueError:  # torn: nothing was done after it
            break
    if last is not None:
        swap = Swap(home, home.parent / last["fresh"], home.parent / last["before"])
        if last["phase"] == SWAPPING and swap.fresh.exists() and not home.exists():
            move(swap)
        elif swap.fresh.exists():
            shutil.rmtree(swap.fresh)
    os.truncate(journal, 0)


def move(swap: Swap) -> None:
    """The two renames; the first is skipped when there is no home, or none any more."""
    if swap.home.exists():
        swap.home.rename(swap.before)
        sync_folder(swap.home.parent)
    swap.fresh.rename(swap.home)
    sync_folder(swap.home.parent)


def mend_if_interrupted(home: Path) -> bool:
    """Finish a restore that was killed between its renames; whether there was one."""
    if home.exists() or not journal_of(home).exists():
        return False
    with restoring(home) as journal:
        close_journal(journal)
    return home.exists()
