"""Patterns of paths as a model writes them: `*`, `?` and `[...]` in a name, `**` over folders.

Rules have patterns of their own (`harness.permission.globs`), which people write. These come
from a model, so they cost little whatever they are: every name is compared once for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import PurePosixPath

from harness.rooted import folded

FOLDERS = "**"
SIGNS = frozenset("*?[")


def fits(pattern: str, path: str) -> bool:
    """Whether a normal path fits a normal pattern, in any case of its letters."""
    parts = PurePosixPath(folded(pattern)).parts
    reached = through_folders(parts, {0})
    for name in PurePosixPath(folded(path)).parts:
        reached = through_folders(parts, {to for at in reached for to in steps(parts, at, name)})
    return len(parts) in reached


def steps(parts: Sequence[str], at: int, name: str) -> set[int]:
    """Where in the pattern a name leads on from the part `at`."""
    if at == len(parts):
        return set()
    if parts[at] == FOLDERS:
        return {at}
    return {at + 1} if fnmatchcase(name, parts[at]) else set()


def through_folders(parts: Sequence[str], reached: set[int]) -> set[int]:
    """The same, and what comes after a `**` that stands for no folder at all."""
    found = set(reached)
    for at in range(len(parts)):
        if at in found and parts[at] == FOLDERS:
            found.add(at + 1)
    return found


def start_of(pattern: str) -> str:
    """The folder below which everything lies that can fit."""
    *above, _ = PurePosixPath(pattern).parts or ("",)
    return str(PurePosixPath(*takewhile(SIGNS.isdisjoint, above)))
