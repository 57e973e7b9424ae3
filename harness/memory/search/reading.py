"""A file as the index takes it in: what it is, how it looked from outside, and its units."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from harness.memory.search import store
from harness.memory.search.asking import asks, says_when
from harness.memory.search.names import speaker_of
from harness.memory.search.places import Place
from harness.memory.search.terms import terms_of
from harness.memory.search.units import Unit, timeless, units_of

BATCH = 2_000  # units that are written in one transaction
RACY = 50_000_000  # nanoseconds: so young, a file may change again without getting another time


@dataclass(frozen=True)
class Read:
    """One file as it was read."""

    place: Place
    stat: tuple[int, int, int]  # before it was read: what is written meanwhile shows
    digest: bytes
    units: list[store.Indexed]


def read(root: Path, places: Iterable[Place]) -> Iterator[Read]:
    """The files as they are now; those that are gone, links or not to be read are left out."""
    for place in places:
        try:
            handle = os.open(root / place.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as file:
            stat = settled(os.fstat(handle))
            data = file.read()
        text = data.decode("utf-8", errors="replace")
        units = [indexed(unit) for unit in islice(units_of(place, text), store.MOST_UNITS)]
        yield Read(place, stat, blake2b(data, digest_size=16).digest(), units)


def settled(stat: os.stat_result) -> tuple[int, int, int]:
    """What shows from outside that a file is another; nothing does for one just written."""
    young = time.time_ns() - stat.st_mtime_ns < RACY
    return (0 if young else stat.st_mtime_ns), stat.st_size, stat.st_ino


def indexed(unit: Unit) -> store.Indexed:
    said = timeless(unit.text)
    terms = terms_of(said)
    return store.Indexed(
        unit=unit,
        terms=terms,
        speaker=speaker_of(said),
        size=len(said.split()),
        asks=asks(said),
        timed=says_when(terms),
    )


def batches(reads: Iterable[Read]) -> Iterator[list[Read]]:
    """Files together whose units are enough for one transaction."""
    held: list[Read] = []
    units = 0
    for each in reads:
        held.append(each)
        units += len(each.units)
        if units >= BATCH:
            yield held
            held, units = [], 0
    if held:
        yield held
