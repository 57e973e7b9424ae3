"""Patterns of names (`*.py`) expanded by us, as no shell does it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness.permission.script import Script, Simple, Step, Word

MOST = 5_000  # names of one pattern


def expanded(script: Script, folder: Path) -> Script:
    """The script with the names in place of the patterns, as `folder` is now.

    What this returns has only literal words: judge it, and run the same. Names that lead out of
    the folder, by a link or by dots, are left out. A pattern that fits nothing stays a word.
    """
    return Script(
        tuple(
            Step(step.joined, tuple(_expanded(command, folder) for command in step.pipeline))
            for step in script.steps
        )
    )


def _expanded(command: Simple, folder: Path) -> Simple:
    if all(word.pattern is None for word in command.words):
        return command
    words = [each for word in command.words for each in _names(word, folder)]
    return replace(command, words=tuple(words))


def _names(word: Word, folder: Path) -> list[Word]:
    if word.pattern is None:
        return [word]
    literal = replace(word, pattern=None, quoted=True)
    if word.pattern.startswith("/") or ".." in word.pattern.split("/"):
        return [literal]
    names = sorted(_matches(word.pattern, folder))
    shown = (f"./{name}" if name.startswith("-") else name for name in names)
    return [replace(literal, text=name) for name in shown] or [literal]


def _matches(pattern: str, folder: Path) -> Iterator[str]:
    """The names that fit, part by part; a folder that a link leads out of the root is not entered.

    As in a shell, `*` takes no name that begins with a dot.
    """
    root = folder.resolve()
    found = [""]
    for part in pattern.split("/"):
        found = [name for before in found for name in _below(before, part, root)][:MOST]
    yield from (name for name in found if os.path.lexists(root / name))


def _below(before: str, part: str, root: Path) -> Iterator[str]:
    """The paths that are `before` with one name that fits `part`."""
    if not part and not (root / before).is_dir():
        return  # `*/` means folders
    prefix = f"{before}/" if before else ""
    names = _names_in(root / before) if glob.has_magic(part) else [part]
    for name in names:
        if name.startswith(".") and not part.startswith("."):
            continue
        if fnmatchcase(name, part) and _lies_within(root, f"{prefix}{name}"):
            yield f"{prefix}{name}"


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are wanted, and no paths
    except OSError:
        return []


def _lies_within(root: Path, name: str) -> bool:
    try:
        return (root / name).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False
