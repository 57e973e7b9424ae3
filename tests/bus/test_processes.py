"""Several real processes on one home: keys, caps, wake-ups, and death by SIGKILL."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bus.port import Request, State
from harness.bus.reader import Reader
from harness.bus.sqlite import SqliteBus
from harness.bus.sync import SyncBus
from harness.clock import FakeClock, SystemClock
from harness.config.home import Home
from harness.ids import Ids

pytestmark = pytest.mark.chaos

PREAMBLE = """
import asyncio, sys
from pathlib import Path
from harness.bus import transitions
from harness.bus.port import Outcome, Request, Result
from harness.bus.sqlite import SqliteBus
from harness.bus.sync import SyncBus
from harness.clock import SystemClock
from harness.config.home import Home
from harness.ids import Ids

home, clock = Home(Path(sys.argv[1])), SystemClock()
ids = Ids(clock)
"""

ASK_BY_KEY = """
with SyncBus(home, clock, ids) as bus:
    for number in range(40):
        print(bus.request(Request("scout", "Look.", key=f"k{number}")).id)
"""

TAKE_ALL = """
with SyncBus(home, clock, ids) as bus:
    while task := bus.run(transitions.claim, "scout", cap=100, owner=sys.argv[2]):
        print(task.id)
"""

ASK_ONCE = """
with SyncBus(home, clock, ids) as bus:
    print(bus.request(Request("scout", "Look.")).id)
"""

ASK_FOR_EVER = """
with SyncBus(home, clock, ids) as bus:
    while True:
        print(bus.request(Request("scout", "Look.")).id, flush=True)
"""

ASK_FOR_EVER_TOGETHER = """
async def ask(bus):
    while True:
        print((await bus.request(Request("scout", "Look."))).id, flush=True)

async def main():
    async with SqliteBus.open(home, clock, ids) as bus:
        await asyncio.gather(*(ask(bus) for _ in range(8)))

asyncio.run(main())
"""


def start(program: str, home: Home, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program, str(home.root), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def printed(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out.split()


def test_a_key_is_one_task_for_all_processes(home: Home) -> None:
    both = [start(ASK_BY_KEY, home) for _ in range(2)]

    first, second = (printed(process) for process in both)

    assert first == second
    with Reader(home.database) as reader:
        assert sorted(task.id for task in reader.tasks(limit=99)) == sorted(first)
        assert reader.last_seq() == 40


def test_no_task_is_taken_by_two_processes(home: Home, clock: FakeClock) -> None:
    with SyncBus(home, clock, Ids(clock)) as bus:
        asked = [bus.request(Request("scout", "Look.")).id for _ in range(60)]

    both = [start(TAKE_ALL, home, owner) for owner in ("s1", "s2")]
    taken = [number for process in both for number in printed(process)]

    assert sorted(taken) == sorted(asked)


@pytest.mark.parametrize("program", [ASK_FOR_EVER, ASK_FOR_EVER_TOGETHER], ids=["alone", "batched"])
def test_a_killed_process_loses_nothing_it_had_acknowledged(home: Home, program: str) -> None:
    process = start(program, home)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(100)]

    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.read().split()[:-1]  # the last line may be half a line
    process.wait()
    process.stdout.close()

    with Reader(home.database) as reader:
        stored = {task.id for task in reader.tasks(state=State.REQUEST, limit=100_000)}
        assert stored.issuperset(acknowledged)
        assert reader.last_seq() == len(stored)
    assert healthy(home.database)


async def test_a_request_of_another_process_wakes_this_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.db.writer.TICK_SECONDS", 3600)  # the bell alone, no looking
    clock = SystemClock()
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        assert await bus.claim("scout", cap=1, owner="s1") is None

        other = start(ASK_ONCE, home)

        assert await bus.wait(30) is True
        (asked,) = await asyncio.to_thread(printed, other)
        assert [task.id for task in bus.reader.tasks()] == [asked]


async def test_the_bell_of_a_killed_process_is_taken_down_by_the_next_write(
    home: Home, bus: SqliteBus
) -> None:
    process = start(ASK_FOR_EVER_TOGETHER, home)
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)
    assert len(list(home.bells.iterdir())) == 2

    process.kill()
    await asyncio.to_thread(process.wait)
    process.stdout.close()
    await bus.request(Request("scout", "Look."))
    await bus.sweep()  # written after the ringing of the request

    assert len(list(home.bells.iterdir())) == 1


def healthy(path: Path) -> bool:
    db = sqlite3.connect(path)
    try:
        return bool(db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        db.close()
