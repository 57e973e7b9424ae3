"""Patterns of names (`*.py`) expanded by us, as no shell does it."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
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
    names = sorted(islice(_matches(word.pattern, folder), MOST))
    shown = (f"./{name}" if name.startswith("-") else name for name in names)
    return [replace(literal, text=name) for name in shown] or [literal]


def _matches(pattern: str, folder: Path) -> Iterator[str]:
    root = folder.resolve()
    # Path.glob would take names that begin with a dot for `*`, which no shell does
    for name in glob.iglob(pattern, root_dir=folder):  # noqa: PTH207
        if _lies_within(root, name):
            yield name


def _lies_within(root: Path, name: str) -> bool:
    try:
        return (root / name).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False
