"""Who may read what the crew keeps: `.harness` and all in it are the owner's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.files import PRIVATE_FILE, PRIVATE_FOLDER
from harness.text.words import a_few

SHOWN = 5  # paths that a message names
OTHERS = 0o077
FOREIGN = ("worktrees",)  # repositories of others: the modes in there are theirs


@dataclass(frozen=True)
class Entry:
    """One path in `.harness`, the mode that it has and the one that it should have."""

    path: Path
    name: str  # as seen from the home
    mode: int
    wanted: int
    owner: int


def permissions(patient: Patient) -> Iterator[Finding]:
    """Nobody but the owner can look into .harness."""
    root = patient.home.root
    if not patient.home.state.is_dir():
        return
    entries = list(entries_of(patient.home.state, root))
    wrong = [entry for entry in entries if entry.mode != entry.wanted]
    closed = not entries[0].mode & OTHERS
    if wrong:
        told = a_few((f"{entry.name} ({entry.mode:04o})" for entry in wrong), SHOWN)
        yield Finding(
            Level.WARNING if closed else Level.ERROR,
            f"these should be the owner's alone (0700, 0600): {told}",
            f"chmod -R u+rwX,go= {patient.home.state}",
            partial(close, wrong),
        )
    owner = root.stat().st_uid
    foreign = [entry for entry in entries if entry.owner != owner]
    if foreign:
        yield Finding(
            Level.WARNING,
            f"{len(foreign)} entries of .harness belong to another account than the home, first"
            f" {foreign[0].name}: was the crew run as root?",
            f"sudo chown -R --reference={root} {patient.home.state}",
        )


def entries_of(state: Path, root: Path) -> Iterator[Entry]:
    """The folder and all in it, but links, and what is gone meanwhile."""
    yield entry_of(state, root)
    for folder, folders, files in os.walk(state):
        folders[:] = [name for name in folders if name not in FOREIGN]
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                if not path.is_symlink():
                    yield entry_of(path, root)
            except FileNotFoundError:
                continue


def entry_of(path: Path, root: Path) -> Entry:
    there = path.stat()
    mode = stat.S_IMODE(there.st_mode)
    least = PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE
    return Entry(path, str(path.relative_to(root)), mode, mode & ~OTHERS | least, there.st_uid)


def close(wrong: list[Entry]) -> str:
    """Give each its mode. Raises OSError for one that is not ours."""
    changed = []
    for entry in wrong:
        try:
            entry.path.chmod(entry.wanted)
        except FileNotFoundError:  # gone since
            continue
        changed.append(f"{entry.name} from {entry.mode:04o} to {entry.wanted:04o}")
    return f"changed {', '.join(changed)}" if changed else "nothing was left to change"
