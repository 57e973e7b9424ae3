"""A crew under siege: killed, frozen and stopped at random moments of a busy day, thirty times.

A few minutes of real processes: `make chaos`, not `make test`.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bus.port import Request, SlotStatus, Stamp, State, Task
from harness.bus.reader import Reader
from harness.bus.sync import SyncBus
from harness.clock import SystemClock
from harness.ids import Ids
from tests.chaos.test_daemon import up
from tests.flows.house import House

pytestmark = [pytest.mark.chaos, pytest.mark.siege]

AGENTS = ("scout", "clerk", "zoe")
TASKS = 500
JOBS = 60
RESTARTS = 30
EVERYTHING = 10**6  # rows
QUIET_SECONDS = 240  # for what is left after the last restart


@pytest.fixture
def besieged(house: House) -> House:
    """Three agents, each with a mind of its own about the task; sixty jobs."""
    for name in AGENTS:
        house.agent(name)
    for number in range(JOBS):
        house.schedule["jobs"][f"job-{number}"] = {
            "agent": AGENTS[number % len(AGENTS)],
            "every": f"{10 + number // 3}s",
            "prompt": f"Say the number {number}.",
            "deliver": ["archive"],
            "misfire": ("once", "all", "skip")[number % 3],
            "overlap": ("skip", "queue")[number % 2],
        }
    house.write()
    return house


async def test_thirty_restarts_lose_nothing_and_do_nothing_twice(besieged: House) -> None:
    dice = random.Random(20261121)
    root = besieged.home.root
    posts = post(besieged, dice)
    for _ in range(RESTARTS):
        async with up(root) as daemon:
            next(posts, None)
            await asyncio.sleep(dice.uniform(0, 1.5))
            await mistreat(daemon.process, dice)
    for _ in posts:
        pass
    silence_jobs(besieged)
    async with up(root) as daemon:
        async with asyncio.timeout(QUIET_SECONDS):
            while left(besieged):
                await asyncio.sleep(0.5)
        assert await daemon.end(signal.SIGTERM) == 0

    judge(besieged)


async def mistreat(process: asyncio.subprocess.Process, dice: random.Random) -> None:
    """End the process in one of four ways; frozen for a while before one of them."""
    match dice.randrange(4):
        case 0 | 1:
            process.kill()
        case 2:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(0, 1))
            process.send_signal(dice.choice((signal.SIGKILL, signal.SIGCONT)))
            await asyncio.sleep(dice.uniform(0, 0.5))
            if process.returncode is None:
                process.kill()
        case _:
            process.terminate()
    await process.communicate()


def post(house: House, dice: random.Random) -> Iterator[None]:
    """Ask for everything, some of it twice under the same key, in as many parts as restarts."""
    clock = SystemClock()
    asked = [f"key-{number}" for number in range(TASKS)]
    size = TASKS // (RESTARTS - 2)
    for start in range(0, TASKS, size):
        keys = asked[start : start + size]
        with SyncBus(house.home, clock, Ids(clock)) as bus:
            for key in [*keys, *dice.sample(keys, 3)]:
                agent = AGENTS[hash_of(key) % len(AGENTS)]
                bus.request(Request(agent, f"Answer {key}.", key=key, deliver=("archive",)))
        yield


def hash_of(key: str) -> int:
    return int(key.removeprefix("key-"))


def silence_jobs(house: House) -> None:
    """The jobs rest, so that the queue can come to its end."""
    for job in house.schedule["jobs"].values():
        job["enabled"] = False
    house.write()


def left(house: House) -> int:
    with Reader(house.home.database) as reader:
        waiting = [reader.tasks(state=state) for state in (State.REQUEST, State.CONFIRMED)]
        return sum(map(len, waiting)) + len(reader.owed(Stamp.DELIVERED))


def judge(house: House) -> None:
    with Reader(house.home.database) as reader:
        tasks = reader.tasks(limit=EVERYTHING)
        keys = Counter(task.key for task in tasks if task.key)
        assert {f"key-{number}" for number in range(TASKS)} <= set(keys)
        assert max(keys.values()) == 1
        for task in tasks:
            ended_once(reader, task)
        every_slot_is_one_task(reader)
        pages = Counter(task_of(page) for page in house.pages())
        speaking = {t.id for t in tasks if t.state is State.FINAL and t.deliver and says(t)}
        assert set(pages) == speaking
        assert max(pages.values()) == 1


def ended_once(reader: Reader, task: Task) -> None:
    finals = [event for event in reader.events(task.id) if event.state is State.FINAL]
    assert task.state in (State.FINAL, State.DEAD), task
    assert len(finals) == (task.state is State.FINAL), task


def every_slot_is_one_task(reader: Reader) -> None:
    slots = reader.slots(limit=EVERYTHING)
    assert len({(slot.job, slot.slot) for slot in slots}) == len(slots)
    fired = [slot.task for slot in slots if slot.status is SlotStatus.FIRED]
    assert None not in fired
    assert len(set(fired)) == len(fired)
    assert len({slot.job for slot in slots}) == JOBS


def says(task: Task) -> bool:
    return task.result is not None and bool(task.result.text.strip())


def task_of(page: Path) -> str:
    (line,) = [line for line in page.read_text().splitlines() if line.startswith("task: ")]
    return line.removeprefix("task: ").strip('"')
