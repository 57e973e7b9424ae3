"""Which files of a home are searched, whose they are, and what they hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.config.home import Home


@dataclass(frozen=True)
class Place:
    """One file that is searched."""

    path: str  # relative to the home
    agent: str | None  # None: everybody's
    kind: str


def place_of(path: str) -> Place | None:
    """What a path relative to the home is to the search; None: nothing that is searched.

    What begins with a dot is kept out (drafts, archives, proposals), but for `.learnings`.
    """
    parts = PurePosixPath(path).parts
    if parts[-1:] == () or parts[-1].startswith(".") or not parts[-1].endswith(".md"):
        return None
    match parts:
        case ("memory", agent, name) if not agent.startswith("."):
            return Place(path, agent, "memory" if name == "MEMORY.md" else "note")
        case ("memory", agent, ".learnings", _) if not agent.startswith("."):
            return Place(path, agent, "learning")
        case ("shared-context", _):
            return Place(path, None, "shared")
        case ("skills", skill, "SKILL.md") if not skill.startswith("."):
            return Place(path, None, "skill")
        case ("agents", agent, "skills", skill, "SKILL.md") if not skill.startswith("."):
            return Place(path, agent, "skill")
    return None


def places(home: Home) -> Iterator[tuple[Place, os.stat_result]]:
    """Every file that is searched, with what the system says of it. Links are not followed."""
    yield from files_in(home.root, "shared-context")
    for agent in folders_in(home.root, "memory"):
        yield from files_in(home.root, f"memory/{agent}")
        yield from files_in(home.root, f"memory/{agent}/.learnings")
    for skill in folders_in(home.root, "skills"):
        yield from files_in(home.root, f"skills/{skill}")
    for agent in folders_in(home.root, "agents"):
        for skill in folders_in(home.root, f"agents/{agent}/skills"):
            yield from files_in(home.root, f"agents/{agent}/skills/{skill}")


def places_at(home: Home, paths: Iterable[Path]) -> Iterator[tuple[Place, os.stat_result]]:
    """Those of these paths that are searched; of a folder, all that is in it."""
    for path in relative(home, paths):
        if not place_of(path):
            prefix = f"{path}/" if path != "." else ""
            yield from (each for each in places(home) if each[0].path.startswith(prefix))
        else:
            folder = path.rpartition("/")[0]
            yield from (each for each in files_in(home.root, folder) if each[0].path == path)


def below(known: Iterable[str], home: Home, paths: Iterable[Path]) -> set[str]:
    """Those of the known paths that are one of `paths`, or within one of them."""
    looked = relative(home, paths)
    return {
        path
        for path in known
        if any(top in (".", path) or path.startswith(f"{top}/") for top in looked)
    }


def relative(home: Home, paths: Iterable[Path]) -> list[str]:
    """Paths as they are within the home; those outside are left out."""
    full = [home.root / path for path in paths]
    return [
        path.relative_to(home.root).as_posix() for path in full if path.is_relative_to(home.root)
    ]


def files_in(root: Path, folder: str) -> Iterator[tuple[Place, os.stat_result]]:
    for entry in listing(root, folder):
        place = place_of(f"{folder}/{entry.name}")
        if place and entry.is_file(follow_symlinks=False):
            try:
                yield place, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since the listing


def folders_in(root: Path, folder: str) -> list[str]:
    found = listing(root, folder)
    return [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]


def listing(root: Path, folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; nothing when it is missing or reached through a link."""
    try:
        if any((root / above).is_symlink() for above in prefixes(folder)):
            return []
        with os.scandir(root / folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def prefixes(folder: str) -> Iterator[str]:
    """`a/b` gives `a` and `a/b`."""
    parts = PurePosixPath(folder).parts
    return ("/".join(parts[: end + 1]) for end in range(len(parts)))
