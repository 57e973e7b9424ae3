"""What it costs to read the lessons of an agent, and to record one more.

    python benchmarks/lessons.py [--json] [--entries N ...]

One file of entries as the house writes them, half of them with a Pattern-Key. In the same run:

    file     the bare bytes of the file, read
    first    every lesson, in a process that has not read them before
    again    the same, when nothing changed
    after    the same, when one entry changed
    counted  an observation that counts on an entry: read, compared, counted, on the disk
    new      an observation that is like none of them

Milliseconds, the median of several.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from harness.config.home import Home
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons import reading
from harness.memory.lessons.book import Book
from harness.memory.lessons.writing import HEADINGS, rendered
from harness.text.secrets import Redactor

AGENT = "scout"
ENTRIES = (100, 1_000, 5_000)
ROUNDS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS = (
    *("table", "field", "query", "server", "price", "report"),
    *("news", "digest", "upload", "token", "page", "feed"),
)
WORDS = [f"{word}{end}" for word in SUBJECTS for end in ("", "s", "ing", "id", "name")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--entries", type=int, nargs="+", default=ENTRIES)
    options = parser.parse_args()
    figures = {entries: measured(entries) for entries in options.entries}
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures)


def measured(entries: int) -> dict[str, float]:
    """Milliseconds for a file of so many entries."""
    with tempfile.TemporaryDirectory() as folder:
        home, source = Home(Path(folder)), random.Random(entries)
        path = written(home, entries, source)
        book = Book(home, AGENT, Redactor())
        known = [observed(number, source) for number in range(entries, entries + 3 * ROUNDS)]
        found = {
            "file": took(path.read_bytes),
            "first": took(book.learnings, before=reading.forget),
        }
        found["again"] = took(book.learnings)
        changes = iter(known)
        found["after"] = took(book.learnings, before=lambda: book.record(next(changes)))
        found["new"] = took(lambda: book.record(next(changes)))
        later = iter(range(ROUNDS))
        first = known[0]
        found["counted"] = took(lambda: book.record(seen_again(first, next(later))))
    return {name: 1_000 * seconds for name, seconds in found.items()}


def written(home: Home, entries: int, source: random.Random) -> Path:
    path = home.learnings(AGENT) / Kind.LEARNING.file
    path.parent.mkdir(parents=True)
    said = (rendered(f"LRN-20260101-{n:04d}", observed(n, source)) for n in range(entries))
    path.write_text("\n".join([HEADINGS[Kind.LEARNING], *said]))
    return path


def observed(number: int, source: random.Random) -> Observation:
    summary = " ".join(source.sample(WORDS, 7))
    return Observation(
        kind=Kind.LEARNING,
        title="correction",
        summary=f"{summary}, number {number}",
        source=Source.TOOL,
        task=f"01K{number:06d}",
        at=START + timedelta(minutes=number),
        key=f"area{number % 7}.symptom{number}" if number % 2 else "",
        details=" ".join(source.sample(WORDS, 20)),
        error=f"{summary}\nError: no",
        fix=f"When the {summary}, ask for another one",
    )


def seen_again(seen: Observation, later: int) -> Observation:
    return Observation(seen.kind, seen.title, seen.summary, seen.source, f"01L{later}", seen.at)


def took(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds, the median."""
    times = []
    for _ in range(ROUNDS):
        before()
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return median(times)


def show(figures: dict[int, dict[str, float]]) -> None:
    names = ("file", "first", "again", "after", "counted", "new")
    print(f"{'entries':>8}" + "".join(f"{name:>10}" for name in names) + "  (ms)")
    for entries, row in figures.items():
        print(f"{entries:8}" + "".join(f"{row[name]:10.2f}" for name in names))


if __name__ == "__main__":
    main()
