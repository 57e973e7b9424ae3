"""The index over the memory of a home: kept in step with its files, and searched."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.clock import Clock
from harness.config.home import Home
from harness.db.connection import explained, transaction
from harness.memory.search import store
from harness.memory.search.candidates import find
from harness.memory.search.desk import Desk, Renewed
from harness.memory.search.places import below, places, places_at
from harness.memory.search.question import asked
from harness.memory.search.rank import Weights, ranked
from harness.memory.search.reading import Read, batches, read
from harness.memory.search.scope import Scope, View, scope_of
from harness.memory.search.units import Hit, id_of
from harness.memory.search.updates import WINDOW, told
from harness.memory.search.vectors import Meant, near_to

SCOPES = 8  # whose figures are kept
T = TypeVar("T")


@dataclass(frozen=True)
class Synced:
    """What one look at the files brought."""

    files: int  # read because they looked changed, or forgotten
    units: int  # put in
    seconds: float


class Index:
    """Finds units of the memory of a home. Its methods may be called from any thread.

    The database is made at the first use, and made anew when it is broken, of another version
    or taken away. Methods raise HarnessError: Held when another process keeps it for itself.
    """

    def __init__(self, home: Home, clock: Clock, weights: Weights | None = None) -> None:
        self.home = home
        self.clock = clock
        self.weights = weights or Weights()
        self.meaning: Callable[[str], Meant | None] = by_words_alone  # of a query
        self._writer = Desk(home.index)
        self._reader = Desk(home.index)
        self._scopes: dict[View, Scope] = {}
        self._seen = (0, 0)  # when the figures of the scopes were taken

    def sync(self, paths: Iterable[Path] | None = None) -> Synced:
        """Read what changed, and forget what is gone. `paths`: look only at these files, or at
        what is in these folders; None: at everything."""
        looked = None if paths is None else list(paths)
        return again(lambda: self._writer.do(lambda db: self._sync(db, looked)))

    def rebuild(self) -> Synced:
        """Throw the index away and make it anew from the files."""
        with self._writer.lock, self._reader.lock:
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
        strangers: bool = True,
        paths: Collection[str] | None = None,
    ) -> list[Hit]:
        """The best `k` units for a question, best first; those that have expired last.

        `agent`: in its own memory and what is everybody's; None: in all, for a person. `kinds`:
        only in files of these. `strangers`: also what their words may be in. `paths`: only in
        these files, however much the others say. Days in the question count from `now`. Raises
        UsageError for a query without a word.
        """
        today = (now or self.clock.now()).date()
        view = View(agent, a_set(kinds), strangers, a_set(paths))
        meant = self.meaning(query)  # before anything is locked: it may ask a model
        return again(lambda: self._found(query, view, k, today, meant))

    def using(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` does with the database, as the only one that writes."""
        return again(lambda: self._writer.do(work))

    def close(self) -> None:
        self._writer.close()
        self._reader.close()

    def _sync(self, db: sqlite3.Connection, paths: Sequence[Path] | None) -> Synced:
        begun = time.perf_counter()
        before = store.known_files(db)
        if paths is None or not before:
            found = {place.path: (place, stat) for place, stat in places(self.home)}
            gone = before.keys() - found.keys()
        else:
            found = {place.path: (place, stat) for place, stat in places_at(self.home, paths)}
            gone = {path for path in below(before, self.home, paths) if path not in found}
        changed = [
            place
            for path, (place, stat) in found.items()
            if path not in before
            or before[path].stat != (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        ]
        forget(db, sorted(gone))
        units = files = 0
        for batch in batches(read(self.home.root, changed)):
            files += len(batch)
            units += write(db, batch)
        return Synced(files + len(gone), units, time.perf_counter() - begun)

    def _found(
        self,
        query: str,
        view: View,
        k: int,
        today: date,
        meant: Meant | None,
    ) -> list[Hit]:
        if self._reader.do(is_empty):
            self.sync()
        return self._reader.do(lambda db: self._search(db, query, view, k, today, meant))

    def _search(
        self,
        db: sqlite3.Connection,
        query: str,
        view: View,
        k: int,
        today: date,
        meant: Meant | None,
    ) -> list[Hit]:
        with store.snapshot(db):
            scope = self._scope(db, view)
            question = asked(query, scope, today)
            found = find(db, question.counts, question.spans, scope)
            nearness = partial(near_to, db, meant)
            best = ranked(db, found, question, scope, self.weights, nearness)[: max(k, WINDOW)]
            units = [(store.unit_of(db, number), score) for number, score in best]
        hits = [Hit(unit, id_of(unit), score) for unit, score in units]
        return told(hits, today)[: max(k, 0)]

    def _scope(self, db: sqlite3.Connection, view: View) -> Scope:
        seen = (self._reader.opened, db.execute("PRAGMA data_version").fetchone()[0])
        if seen != self._seen or len(self._scopes) >= SCOPES:
            self._scopes, self._seen = {}, seen
        if view not in self._scopes:
            self._scopes[view] = scope_of(db, view)
        return self._scopes[view]


def a_set(names: Collection[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def by_words_alone(query: str) -> Meant | None:
    """What a query means where nobody is there to say it."""
    return None


def again(work: Callable[[], T]) -> T:
    """What `work` gives, tried once more where it found a broken database."""
    try:
        return work()
    except Renewed:
        return work()


def is_empty(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM files LIMIT 1").fetchone() is None


def forget(db: sqlite3.Connection, paths: Sequence[str]) -> None:
    if not paths:
        return
    counted: Counter[str] = Counter()
    with transaction(db):
        for path in paths:
            store.forget(db, path, counted)
        store.count(db, counted)


def write(db: sqlite3.Connection, batch: Sequence[Read]) -> int:
    """Put files in, in place of what was known of them; how many units are new."""
    counted: Counter[str] = Counter()
    units = 0
    with transaction(db):
        for each in batch:
            if store.hash_of(db, each.place.path) == each.digest:  # also if another process was it
                store.touch(db, each.place.path, each.stat)
                continue
            store.forget(db, each.place.path, counted)
            store.add(db, each.place, each.stat, each.digest, each.units, counted)
            units += len(each.units)
        store.count(db, counted)
    return units
