"""The memory: files that can be read, and an index of them that is whole and in step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from harness.clock import SystemClock
from harness.config.home import Home
from harness.db.connection import connect_to_read, explained
from harness.db.integrity import fault_of
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.memory.search import store
from harness.memory.search.index import Index
from harness.memory.search.places import place_of, places
from harness.memory.search.reading import read
from harness.text.words import a_few

SHOWN = 5  # paths that a message names
PATIENCE_SECONDS = 60.0  # in which the daemon has long taken up a change
REBUILD = "make it anew from the files: harness memory rebuild"


def memory(patient: Patient) -> Iterator[Finding]:
    """The memory can be read, and its index is in step."""
    home = patient.home
    yield from unreadable(home)
    if not home.index.is_file():
        return
    fault = fault_of(home.index)
    if fault is not None:
        told = f"{home.index.relative_to(home.root)} is damaged: {fault}"
        yield Finding(Level.WARNING, told, REBUILD, partial(rebuild, home))
    elif patient.daemon is not None:
        yield from behind(home, patient.now.timestamp())


def unreadable(home: Home) -> Iterator[Finding]:
    """Files and folders that nobody may read, and files that are no text."""
    closed = sorted(name for name, why in faults(home) if why == "closed")
    if closed:
        fix = "check who owns them: ls -l; what cannot be read is neither found nor told"
        yield Finding(Level.ERROR, f"cannot be read: {a_few(closed, SHOWN)}", fix)
    garbled = sorted(name for name, why in faults(home) if why == "garbled")
    if garbled:
        fix = "save them as UTF-8; until then what is no text is left out of what is found"
        yield Finding(Level.WARNING, f"not valid UTF-8: {a_few(garbled, SHOWN)}", fix)
    links = sorted(name for name, why in faults(home) if why == "link")
    if links:
        fix = "put the file or folder itself there: what a link leads to is not found or changed"
        yield Finding(Level.WARNING, f"symbolic links: {a_few(links, SHOWN)}", fix)


def faults(home: Home) -> Iterator[tuple[str, str]]:
    for folder in (home.root / "memory", home.shared_context):
        for path in sorted([folder, *folder.rglob("*")]):
            name = path.relative_to(home.root).as_posix()
            if not (path.is_dir() or place_of(name)):
                continue
            if path.is_symlink():
                yield name, "link"
            elif not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
                yield name, "closed"
            elif path.is_file() and is_garbled(path):
                yield name, "garbled"


def is_garbled(path: Path) -> bool:
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return True
    return False


def behind(home: Home, now: float) -> Iterator[Finding]:
    """What changed a while ago, and the index does not know it though a daemon runs."""
    with explained(home.index), closing(connect_to_read(home.index)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        known = store.known_files(db) if version == store.VERSION else {}
        there = {place.path: (place, stat) for place, stat in places(home)}
        other = [
            place
            for path, (place, stat) in there.items()
            if is_old(stat, now) and (path not in known or known[path].stat != stamp_of(stat))
        ]
        said = {each.place.path: each.digest for each in read(home.root, other)}
        changed = [path for path, digest in said.items() if store.hash_of(db, path) != digest]
    late = sorted({*changed, *(known.keys() - there.keys())})
    if late:
        told = f"the index does not know {a_few(late, SHOWN)}, though the crew runs"
        fix = f"{REBUILD}; see why in {home.logs}"
        yield Finding(Level.WARNING, told, fix, partial(rebuild, home))


def is_old(stat: os.stat_result, now: float) -> bool:
    return now - max(stat.st_mtime, stat.st_ctime) > PATIENCE_SECONDS


def stamp_of(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def rebuild(home: Home) -> str:
    """Raises HarnessError."""
    index = Index(home, SystemClock())
    try:
        made = index.rebuild()
    finally:
        index.close()
    return f"made the index of the memory anew: {made.units} units of {made.files} files"
