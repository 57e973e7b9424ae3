"""What it costs to find what the crew knows: `python benchmarks/memory.py [--json] [--units N]`.

A home with daily logs of eight agents is written, and a process of its own opens the App on it, as
the daemon does. It builds the index from nothing; keeps it in step with its librarian while lines
are added, each timed from the write to the first search that finds it; answers questions, half of
them as one agent, and watches its memory grow. Then a session is told what the search finds for
its task, against pasting every file of its agent into the prompt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import psutil
from memory_files import AGENTS, write_home

from harness.app import App
from harness.clock import SystemClock
from harness.config.home import Home
from harness.memory.search.index import Index
from harness.memory.search.units import Hit
from harness.session.recall import LOOKED_AT, NOTES, Wanted, block
from harness.text.tokens import estimate_tokens

UNITS = 100_000
QUERIES = 400
WARM = 100  # others before them, not counted: a crew asks all day
EDITS = 10
TASKS = 20  # for which a session is told what is found
BUDGET = 1_000  # tokens of what it is told
MEMORIES = (50, 500, 5_000)
LOOK_SECONDS = 0.005
MIB = 1 << 20


@dataclass(frozen=True)
class Figure:
    """One line of the table, and one key of the JSON."""

    name: str
    value: float
    target: str
    words: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--units", type=int, default=UNITS, help="how many notes there are")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)  # of the other process
    options = parser.parse_args()
    if options.home:
        print(json.dumps(asyncio.run(measure(Home(options.home)))))
        return
    figures = [*of_index(options.units), *of_prompts()]
    if options.json:
        print(json.dumps({figure.name: round(figure.value, 4) for figure in figures}))
        return
    for figure in figures:
        print(f"{figure.name:24}{figure.value:12.3f}  {figure.target:8}{figure.words}")


def of_index(units: int) -> list[Figure]:
    """Measured in a process that has written none of the files."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_home(Path(folder), units)
        command = (sys.executable, __file__, "--home", folder)
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    told = json.loads(answer.splitlines()[-1])
    return [
        Figure("build_s", told["build"], "<= 20", f"{units:,} units in {files:,} files"),
        Figure("edit_to_search_ms", max(told["edits"]), "<= 1000", f"the slowest of {EDITS} edits"),
        Figure("edit_to_search_p50_ms", statistics.median(told["edits"]), "", ""),
        Figure("query_p50_ms", statistics.median(told["queries"]), "", f"{QUERIES} after {WARM}"),
        Figure("query_p99_ms", percentile(told["queries"], 99), "<= 20", ""),
        Figure("rss_growth_mb", told["growth"], "<= 50", "after the build, edits and queries"),
        Figure("index_mb", told["size"], "", "on the disk"),
    ]


async def measure(home: Home) -> dict[str, object]:
    """Figures of one home whose index is not there yet."""
    app = App.open(home, environment={})
    process = psutil.Process()
    before = process.memory_info().rss
    begun = time.perf_counter()
    made = await asyncio.to_thread(app.index.sync)
    build = time.perf_counter() - begun
    assert made.units or app.index.search("noted"), "nothing was indexed"
    async with librarian(app):
        edits = [await edit(app, number) for number in range(EDITS)]
        asked = [await query(app, words, number) for number, words in enumerate(questions(home))]
    growth = process.memory_info().rss - before
    size = home.index.stat().st_size
    await app.aclose()
    return {
        "build": build,
        "edits": edits,
        "queries": asked[WARM:],
        "growth": growth / MIB,
        "size": size / MIB,
    }


@asynccontextmanager
async def librarian(app: App) -> AsyncIterator[None]:
    """The service alone, at work once its first look is over."""
    stop = asyncio.Event()
    running = asyncio.create_task(app.librarian.run(stop))
    await edit(app, EDITS)  # not counted: the watch has begun once it is found
    try:
        yield
    finally:
        stop.set()
        await running


async def edit(app: App, number: int) -> float:
    """Milliseconds from a line in a log to a search that finds it."""
    agent, word = AGENTS[number % len(AGENTS)], f"xylophone{number}q"
    path = max(app.home.memory(agent).glob("*.md"))
    begun = time.perf_counter()
    with path.open("a") as file:
        file.write(f"- 23:59Z Heard a {word} in the yard\n")
    while not any(word in hit.unit.text for hit in await found(app, word, agent)):
        await asyncio.sleep(LOOK_SECONDS)
    return (time.perf_counter() - begun) * 1000


async def query(app: App, words: str, number: int) -> float:
    agent = AGENTS[number % len(AGENTS)] if number % 2 else None
    begun = time.perf_counter()
    app.index.search(words, agent=agent)
    return (time.perf_counter() - begun) * 1000


async def found(app: App, words: str, agent: str) -> list[Hit]:
    return await asyncio.to_thread(lambda: app.index.search(words, agent=agent))


def questions(home: Home) -> Iterator[str]:
    """Questions in the words of notes that are there: three to eight of one line."""
    source = random.Random(11)
    files = sorted(home.root.glob("memory/*/*.md"))
    for _ in range(WARM + QUERIES):
        lines = source.choice(files).read_text().splitlines()[2:]
        words = source.choice(lines).split()[2:]
        yield "what about " + " ".join(source.sample(words, min(len(words), source.randint(3, 8))))


def of_prompts() -> list[Figure]:
    """What a session is told, as a share of all files of its agent."""
    figures = []
    for count in MEMORIES:
        told, pasted = tokens(count)
        target = "< 0.10" if count == 500 else ""
        words = f"{told:.0f} tokens instead of {pasted:,}"
        figures.append(Figure(f"tokens_vs_paste_{count}", told / pasted, target, words))
    return figures


def tokens(count: int) -> tuple[float, int]:
    """Tokens told for a task, on the average, and those of every file, with `count` notes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        write_home(home.root, count, agents=AGENTS[:1])
        index = Index(home, SystemClock())
        index.sync()
        texts = [path.read_text() for path in sorted(home.root.glob("memory/*/*.md"))]
        told = [recalled(index, words) for words in islice(questions(home), TASKS)]
        index.close()
    return statistics.mean(told), estimate_tokens("".join(texts))


def recalled(index: Index, words: str) -> int:
    """Tokens of what a session is told for a task of these words."""
    task = wanted(words)
    hits = index.search(words, agent=task.agent, k=LOOKED_AT, kinds=NOTES, now=task.now)
    return estimate_tokens(block(hits, task, task.tokens).text)


def wanted(words: str) -> Wanted:
    return Wanted(AGENTS[0], words, known="", tokens=BUDGET, now=datetime.now(UTC))


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


if __name__ == "__main__":
    main()
