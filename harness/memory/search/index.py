"""The index over the memory of a home: kept in step with its files, and searched."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TypeVar

from harness.clock import Clock
from harness.config.home import Home
from harness.db.connection import explained, transaction
from harness.errors import UsageError
from harness.memory.search import store
from harness.memory.search.candidates import find
from harness.memory.search.days import Span, spans_in
from harness.memory.search.names import everywhere, named_in, speaker_of
from harness.memory.search.places import Place, places
from harness.memory.search.rank import Asked, Weights, pieces_of, ranked
from harness.memory.search.scope import Scope, scope_of
from harness.memory.search.terms import terms_of
from harness.memory.search.units import Hit, Unit, id_of, units_of
from harness.memory.search.updates import WINDOW, told

BATCH = 5_000  # units of one transaction
RACY = 50_000_000  # nanoseconds: a file that young may change again without a new time
LONGEST_QUERY = 10_000  # characters that are looked at
T = TypeVar("T")


@dataclass(frozen=True)
class Synced:
    """What one look at the files brought."""

    files: int  # that were read, or forgotten
    units: int  # that are new in the index
    seconds: float


class Index:
    """Finds units of the memory of a home. Its methods may be called from any thread.

    They raise HarnessError: UsageError for a query without a word, Held when another process
    keeps the database for itself.
    """

    def __init__(self, home: Home, clock: Clock, weights: Weights | None = None) -> None:
        self.home = home
        self.clock = clock
        self.weights = weights or Weights()
        self.lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def sync(self, paths: Iterable[Path] | None = None) -> Synced:
        return self._steady(lambda: self._sync(paths))

    def rebuild(self) -> Synced:
        with self.lock:
            self.close()
            with explained(self.home.index):
                store.remove(self.home.index)
            return self.sync()

    def search(
        self,
        query: str,
        *,
        agent: str | None = None,
        k: int = 10,
        kinds: Collection[str] | None = None,
        now: datetime | None = None,
    ) -> list[Hit]:
        today = (now or self.clock.now()).date()
        return self._steady(lambda: self._search(query, agent, k, kinds, today))

    def close(self) -> None:
        with self.lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _steady(self, work: Callable[[], T]) -> T:
        with self.lock, explained(self.home.index):
            try:
                self._open()
                return work()
            except sqlite3.DatabaseError as error:
                if not store.broken(error):
                    raise
                self.close()
                store.remove(self.home.index)
                self._open()
                return work()

    def _open(self) -> sqlite3.Connection:
        if self._db is not None and inode_of(self.home.index) == self._inode:
            return self._db
        self.close()
        self._db = store.open_index(self.home.index)
        self._inode = inode_of(self.home.index)
        if not store.known_files(self._db):
            self._sync(None)
        return self._db

    def _sync(self, paths: Iterable[Path] | None) -> Synced:
        assert self._db is not None
        db = self._db
        begun = time.perf_counter()
        known = store.known_files(db)
        found = {place.path: (place, stat) for place, stat in places(self.home)}
        gone = [path for path in known if path not in found]
        changed = [
            place
            for path, (place, stat) in found.items()
            if path not in known or known[path][2:5] != of(stat)
        ]
        if gone:
            with transaction(db):
                for path in gone:
                    store.forget(db, path)
        files = units = 0
        for batch in batches(self._read(changed)):
            with transaction(db):
                for each in batch:
                    files += 1
                    if store.hash_of(db, each.place.path) == each.digest:
                        store.touch(db, each.place.path, each.stat)
                        continue
                    store.forget(db, each.place.path)
                    place = (each.place.path, each.place.agent, each.place.kind)
                    store.add(db, place, each.stat, each.digest, each.units)
                    units += len(each.units)
        return Synced(files + len(gone), units, time.perf_counter() - begun)

    def _read(self, changed: Sequence[Place]) -> Iterator[Read]:
        for place in changed:
            path = self.home.root / place.path
            try:
                handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError:
                continue
            with os.fdopen(handle, "rb") as file:
                stat = os.fstat(handle)
                data = file.read()
            text = data.decode("utf-8", errors="replace")
            units = [indexed(unit) for unit in islice(units_of(place, text), store.MOST_UNITS)]
            yield Read(place, of(stat), blake2b(data, digest_size=16).digest(), units)

    def _search(
        self,
        query: str,
        agent: str | None,
        k: int,
        kinds: Collection[str] | None,
        today: date,
    ) -> list[Hit]:
        assert self._db is not None
        db = self._db
        scope = scope_of(db, agent, kinds)
        counts, asked = self._asked(query[:LONGEST_QUERY], scope, today)
        found = find(db, counts, asked.spans, scope)
        best = ranked(db, found, asked, scope, self.weights)
        hits = [hit(db, unit, score) for score, unit in best[: max(k, WINDOW)]]
        return told(hits, today)[:k]

    def _asked(self, query: str, scope: Scope, today: date) -> tuple[Counter[str], Asked]:
        named = named_in(query, scope.speakers)
        common = everywhere(named, scope.speakers, scope.units)
        wanted = terms_of(query)
        silent = {term for name in common for term in terms_of(name)}
        kept = [term for term in wanted if term not in silent] or wanted
        if not kept and not spans_in(query, [], today):
            raise UsageError("the query has no word to look for: give words that the text may have")
        grams = Counter(piece for term in kept for piece in pieces_of(term))
        spans: Sequence[Span] = spans_in(query, self._years(), today)
        return Counter(kept), Asked(grams, named, spans)

    def _years(self) -> list[int]:
        assert self._db is not None
        row = self._db.execute("SELECT min(date), max(date) FROM units WHERE date IS NOT NULL")
        first, last = row.fetchone()
        return list(range(int(first[:4]), int(last[:4]) + 1))[-10:] if first else []


@dataclass(frozen=True)
class Read:
    place: Place
    stat: tuple[int, int, int]
    digest: bytes
    units: list[store.Indexed]


def indexed(unit: Unit) -> store.Indexed:
    speaker = speaker_of(unit.text)
    return store.Indexed(unit, terms_of(unit.text), speaker)


def of(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def batches(reads: Iterable[Read]) -> Iterator[list[Read]]:
    held: list[Read] = []
    for each in reads:
        held.append(each)
        if sum(len(one.units) for one in held) >= BATCH:
            yield held
            held = []
    if held:
        yield held


def hit(db: sqlite3.Connection, number: int, score: float) -> Hit:
    row = db.execute(
        "SELECT path, line, text, agent, kind, date, heading, outside, expires FROM units"
        " JOIN files ON files.id = units.id >> 20 WHERE units.id = ?",
        (number,),
    ).fetchone()
    path, line, text, agent, kind, on, heading, outside, expires = row
    unit = Unit(
        path,
        line,
        text,
        agent,
        kind,
        store.day(on),
        heading,
        tuple(outside.split("\n")) if outside else (),
        store.day(expires),
    )
    return Hit(unit, id_of(unit), score)
