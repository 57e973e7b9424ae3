"""How fast the bus is, against plain `sqlite3` in the same run.

    python benchmarks/bus.py [--json]

A task is three transitions: request, confirmed, final. The yardstick writes the same three as
plain `sqlite3` would: the same pragmas, two small tables, one durable transaction each. What is
compared takes turns in short rounds, and the median of the rounds counts, since machines
are noisy. Ratios above 1 mean: faster than the yardstick.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bus_rows import CLOCK, PROMPT, fill, one_plain_task, yardstick
from sqlalchemy import create_engine, insert
from sqlalchemy.pool import StaticPool

from harness.bus import statements
from harness.bus.port import Outcome, Request, Result, State
from harness.bus.schema import migrations
from harness.bus.sqlite import SqliteBus
from harness.bus.sync import SyncBus
from harness.bus.tables import events
from harness.clock import stamp
from harness.config.home import Home
from harness.db.reading import empty
from harness.ids import Ids

ROUNDS = 9
TASKS = 320  # of one round
IN_FLIGHT = 16
WAKE_UPS = 100
FEW, MANY = 1_000, 1_000_000


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
    parser.add_argument("--ring", type=Path, help=argparse.SUPPRESS)  # the other process
    options = parser.parse_args()
    if options.ring:
        ring_on_demand(options.ring)
        return
    started = time.perf_counter()
    # not in /tmp, which is often in memory: what counts here is the wait for a real disk
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path(__file__).parent) as folder:
        figures = asyncio.run(measure(Path(folder)))
    if options.json:
        print(json.dumps({figure.name: round(figure.value, 4) for figure in figures}))
    else:
        show(figures, time.perf_counter() - started)


async def measure(folder: Path) -> list[Figure]:
    note("rates against plain sqlite3")
    figures = await compare_rates(folder)
    figures.append(compare_statements())
    note("wake-ups")
    figures += await time_wake_ups(Home(folder / "awake"))
    note(f"filling {MANY:,} rows")
    figures += await compare_sizes(folder)
    return figures


async def compare_rates(folder: Path) -> list[Figure]:
    """Tasks per second of plain sqlite3, the bus one at a time, the bus with 16 in flight."""
    ids = Ids(CLOCK)
    async with opened(Home(folder / "rates")) as bus:
        with yardstick(folder / "plain.db") as plain:

            async def plainly() -> None:
                for _ in range(TASKS):
                    one_plain_task(plain, ids())

            rounds = await taking_turns(
                plainly, lambda: run_tasks(bus, 1), lambda: run_tasks(bus, IN_FLIGHT)
            )
    sequential = statistics.median(slow / own for slow, own, _ in rounds)
    concurrent = statistics.median(slow / own for slow, _, own in rounds)
    plain_rate, rate, rate16 = (
        TASKS / statistics.median(times) for times in zip(*rounds, strict=True)
    )
    return [
        Figure("sequential_vs_sqlite3", sequential, ">= 0.4", "one task at a time"),
        Figure("concurrent16_vs_sqlite3", concurrent, ">= 1.0", "16 tasks in flight"),
        Figure("sqlite3_tasks_per_s", plain_rate, "", "the yardstick"),
        Figure("sequential_tasks_per_s", rate, "", ""),
        Figure("concurrent16_tasks_per_s", rate16, "", ""),
    ]


def compare_statements() -> Figure:
    """Why the bus runs its Core statements as text: the same ones, run by SQLAlchemy."""

    engine = create_engine("sqlite://", creator=empty, poolclass=StaticPool)
    values = {
        "task": "none", "state": "request", "outcome": None, "attempt": 0,
        "actor": "bench", "at": stamp(CLOCK.now()), "note": None,
    }  # fmt: skip
    by_core, as_text = insert(events), statements.log_event()
    db = empty(migrations())
    db.execute("BEGIN")
    ratios = []
    with engine.connect() as connection:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(TASKS):
                db.execute(as_text, values)
            middle = time.perf_counter()
            for _ in range(TASKS):
                connection.execute(by_core, values)
            ratios.append((time.perf_counter() - middle) / (middle - start))
    db.close()
    words = "one INSERT run by SQLAlchemy, against its text on sqlite3"
    return Figure("sqlalchemy_vs_text", statistics.median(ratios), "", words)


async def compare_sizes(folder: Path) -> list[Figure]:
    """The rates of the bus on a thousand rows and on a million, taking turns."""
    few, many = Home(folder / "few"), Home(folder / "many")
    seconds = [fill(home, rows) for home, rows in ((few, FEW), (many, MANY))][-1]
    async with opened(few) as small, opened(many) as large:
        rounds = await taking_turns(
            lambda: run_tasks(small, IN_FLIGHT),
            lambda: run_tasks(large, IN_FLIGHT),
            lambda: run_tasks(small, 1),
            lambda: run_tasks(large, 1),
        )
        asking = time.perf_counter()
        counts = await large.counts()
        asking = time.perf_counter() - asking
    finals = sum(states[State.FINAL] for states in counts.values())
    concurrent = statistics.median(few16 / many16 for few16, many16, _, _ in rounds)
    sequential = statistics.median(few1 / many1 for _, _, few1, many1 in rounds)
    return [
        Figure("rate_1m_vs_1k", concurrent, ">= 0.8", "16 in flight, 1,000,000 rows against 1,000"),
        Figure("sequential_rate_1m_vs_1k", sequential, "", "the same, one task at a time"),
        Figure("counts_1m_ms", asking * 1000, "", f"counting the lanes' {finals:,} finals"),
        Figure("fill_1m_s", seconds, "", "making the rows, for the record"),
    ]


async def taking_turns(*contestants: Callable[[], Awaitable[None]]) -> list[list[float]]:
    """Seconds of every contestant in every round; the first round only warms up."""
    rounds = []
    for _ in range(ROUNDS + 1):
        times = []
        for contestant in contestants:
            start = time.perf_counter()
            await contestant()
            times.append(time.perf_counter() - start)
        rounds.append(times)
    return rounds[1:]


async def run_tasks(bus: SqliteBus, in_flight: int) -> None:
    async def worker() -> None:
        for _ in range(TASKS // in_flight):
            await one_task(bus)

    await asyncio.gather(*(worker() for _ in range(in_flight)))


async def one_task(bus: SqliteBus) -> None:
    await bus.request(Request("scout", PROMPT))
    task = await bus.claim("scout", cap=IN_FLIGHT, owner="bench")
    if task is None:
        raise RuntimeError("a request of our own must be there to claim")
    await bus.final(task, Outcome.DONE, Result("Nothing new.", model="none", steps=1))


async def time_wake_ups(home: Home) -> list[Figure]:
    """Milliseconds from before a request is written until the one who waits is awake."""
    async with opened(home) as bus:
        inside = [await wake_up_inside(bus) for _ in range(WAKE_UPS)]
        across = await wake_ups_across(bus, home)
    words = "from asking to awake, commit included"
    return [
        Figure("wakeup_inprocess_ms_p50", statistics.median(inside), "< 5", words),
        Figure("wakeup_crossprocess_ms_p50", statistics.median(across), "< 10", words),
        Figure("wakeup_inprocess_ms_max", max(inside), "", ""),
        Figure("wakeup_crossprocess_ms_max", max(across), "", ""),
    ]


async def wake_up_inside(bus: SqliteBus) -> float:
    await settled(bus)
    waiting = asyncio.create_task(awake_at(bus))
    await asyncio.sleep(0.001)
    start = time.monotonic()
    await bus.request(Request("scout", PROMPT))
    return (await waiting - start) * 1000


async def wake_ups_across(bus: SqliteBus, home: Home) -> list[float]:
    """The other process writes and rings when told to, and says when it began."""
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--ring",
        str(home.root),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if other.stdin is None or other.stdout is None:
        raise RuntimeError("the other process has no pipes")
    await other.stdout.readline()  # it is ready
    times = []
    for _ in range(WAKE_UPS):
        await settled(bus)
        waiting = asyncio.create_task(awake_at(bus))
        await asyncio.sleep(0.001)
        other.stdin.write(b"\n")
        start = float(await other.stdout.readline())
        times.append((await waiting - start) * 1000)
    other.stdin.close()
    await other.wait()
    return times


async def settled(bus: SqliteBus) -> None:
    """Sit out the wake-ups that still belong to the last request."""
    while await bus.wait(0.003):
        pass


async def awake_at(bus: SqliteBus) -> float:
    await bus.wait(10)
    return time.monotonic()


def ring_on_demand(root: Path) -> None:
    with SyncBus(Home(root), CLOCK, Ids(CLOCK)) as bus:
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.monotonic()
            bus.request(Request("scout", PROMPT))
            print(start, flush=True)


def opened(home: Home) -> SqliteBus:
    return SqliteBus.open(home, CLOCK, Ids(CLOCK))


def note(words: str) -> None:
    print(f"... {words}", file=sys.stderr, flush=True)


def show(figures: list[Figure], seconds: float) -> None:
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {seconds:.0f} s")
    for figure in figures:
        print(f"{figure.name:28}{figure.value:12.2f}  {figure.target:8}{figure.words}")


if __name__ == "__main__":
    main()
