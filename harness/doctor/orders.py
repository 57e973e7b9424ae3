"""Who may change what the crew obeys: its profiles, schedule, settings, skills and hooks."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness.config.home import Home
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.text.words import a_few

SHOWN = 5  # paths that a message names
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
NAMES = ("cron.yaml", "harness.yaml", "agents", "skills", "hooks")


def orders(patient: Patient) -> Iterator[Finding]:
    """Nobody but the owner can change what the crew obeys."""
    root = patient.home.root
    open_ones = [path for path in obeyed(patient.home) if path.lstat().st_mode & OTHERS_WRITE]
    if not open_ones:
        return
    named = a_few((name_of(path, root) for path in open_ones), SHOWN)
    anybody = any(path.lstat().st_mode & stat.S_IWOTH for path in open_ones)
    yield Finding(
        Level.ERROR if anybody else Level.WARNING,  # a group is often its owner alone
        f"other accounts can change what the crew obeys: {named}",
        f"chmod go-w {root}; cd {root} && chmod -R go-w {' '.join(NAMES)}",
        partial(close, open_ones),
    )


def name_of(path: Path, root: Path) -> str:
    return "the home itself" if path == root else str(path.relative_to(root))


def obeyed(home: Home) -> Iterator[Path]:
    """The home, and every file and folder in it that gives orders, but links."""
    yield home.root
    for name in NAMES:
        path = home.root / name
        if path.exists() and not path.is_symlink():
            yield path
            yield from (each for each in sorted(path.rglob("*")) if not each.is_symlink())


def close(open_ones: list[Path]) -> str:
    """Take the right to write from all but the owner. Raises OSError."""
    for path in open_ones:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS_WRITE)
    return f"took the right to write from others: {len(open_ones)} files and folders"
