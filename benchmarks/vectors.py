"""What a search pays for vectors: the product of one query with all its candidates.

    python benchmarks/vectors.py [--json]

Searches of one index with and without the meaning of their query take turns, so that both meet
the same machine; the median of the pairs counts. The vectors are random, of the length of common
models; asking a model for that of the query comes on top, and depends on its host.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from harness.clock import SystemClock
from harness.config.home import Home
from harness.memory.search import vectors
from harness.memory.search.index import Index
from harness.memory.search.vectors import Meant, Vector

UNITS = 2_000
SEARCHES = 200
SIZES = (384, 768, 1024)  # numbers of a vector
WORDS = [f"word{n}" for n in range(400)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    as_json = parser.parse_args().json
    figures = {str(size): measured(size, random.Random(size)) for size in SIZES}
    if as_json:
        print(json.dumps(figures))
        return
    for size, figure in figures.items():
        told = "  ".join(f"{name} {value:.2f}" for name, value in figure.items())
        print(f"{size:>5} numbers: {told}")


def measured(size: int, chance: random.Random) -> dict[str, float]:
    """Milliseconds of a search by words and with meaning, of what is between, and mebibytes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        path = home.memory("scout") / "2026-11-18.md"
        path.parent.mkdir(parents=True)
        path.write_text("".join(f"- {text(chance)}\n" for _ in range(UNITS)))
        index = Index(home, SystemClock())
        index.sync()
        before = home.index.stat().st_size
        fill(index, size, chance)
        pairs = [pair(index, text(chance), a_vector(size, chance)) for _ in range(SEARCHES)]
        index.close()
        grown = home.index.stat().st_size - before
    return {
        "words_ms": statistics.median(words for words, _ in pairs) * 1000,
        "meaning_ms": statistics.median(meaning for _, meaning in pairs) * 1000,
        "more_ms": statistics.median(meaning - words for words, meaning in pairs) * 1000,
        "mib": grown / 2**20,
    }


def fill(index: Index, size: int, chance: random.Random) -> None:
    index.using(lambda db: vectors.prepare(db, "m"))
    while texts := index.using(lambda db: vectors.waiting(db, 500)):
        made = {text: a_vector(size, chance) for text in texts.values()}
        index.using(partial(keep, texts=texts, made=made))


def keep(db: sqlite3.Connection, texts: Mapping[int, str], made: Mapping[str, Vector]) -> None:
    vectors.keep(db, "m", texts, made)


def pair(index: Index, query: str, vector: Vector) -> tuple[float, float]:
    """Seconds of the same search by words alone, and with the meaning."""
    index.meaning = lambda query: None
    words = seconds(index, query)
    index.meaning = lambda query: Meant("m", vector)
    return words, seconds(index, query)


def seconds(index: Index, query: str) -> float:
    begun = time.perf_counter()
    index.search(query)
    return time.perf_counter() - begun


def text(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=12))


def a_vector(size: int, chance: random.Random) -> Vector:
    return [chance.gauss(0, size**-0.5) for _ in range(size)]


if __name__ == "__main__":
    main()
