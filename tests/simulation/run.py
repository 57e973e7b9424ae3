"""One seed: a daemon that lives, dies and is started again, until all is calm and counted."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

import structlog

from harness.bus import transitions
from harness.bus.port import IllegalTransition, Request, State
from harness.bus.reader import Reader
from harness.bus.schema import open_to_write
from harness.bus.transaction import Transaction
from harness.config.crontab import Crontab, read_crontab
from harness.db.connection import transaction
from harness.errors import HarnessError
from harness.ids import Ids
from harness.services.callbacks import Callbacks
from harness.services.courier import Courier
from harness.services.dispatcher import Dispatcher
from harness.services.scheduler import WATCHDOG_SECONDS, Scheduler
from harness.services.supervisor import Supervisor
from harness.services.waiting import unless
from harness.services.watcher import Household, Watcher
from tests.simulation.disk import Crash, open_bus, open_fast
from tests.simulation.verdict import judge
from tests.simulation.virtual import VirtualClock, VirtualLoop
from tests.simulation.world import AGENTS, World, unfinished

CRON = """
jobs:
  minutely: {agent: scout, every: 2m, prompt: Look., deliver: [box], misfire: all}
  odd: {agent: clerk, every: 211s, prompt: Count., overlap: queue, misfire: skip, grace: 2m}
  cron: {agent: zoe, cron: "*/5 * * * *", prompt: Lead., deliver: [box], overlap: replace}
  joined: {agent: clerk, after: [cron], prompt: Sum up.}
"""
LIVES = 3  # of the daemon with accidents, before the calm one
LIFE_SECONDS = 130
TROUBLE = (0.0, 0.001, 0.004, 0.015)  # shares of the writes
CALM_SECONDS = 3600


@dataclass(frozen=True)
class Report:
    """What happened under one seed."""

    seed: int
    tasks: int
    crashes: int
    slots: int
    recoveries: int


class Quiet(Scheduler):
    """The scheduler without its alarm, which rings by the machine's clock and not by ours."""

    async def run(self, stop: asyncio.Event) -> None:
        await self.apply(self.crontab)
        while not stop.is_set():
            await self.tick()
            await unless(stop, self.clock.sleep(WATCHDOG_SECONDS))


class Life:
    """One process of the daemon, from its start to its end."""

    def __init__(self, path: Path, world: World, crontab: Crontab, ids: Ids) -> None:
        clock = world.clock
        self.world = world
        self.bus, self.disk = open_bus(path, clock, ids, world.dice)
        self.owner = f"daemon-{ids()}"
        self.dispatcher = Dispatcher(self.bus, world.answer, world.lanes, self.owner, clock)
        self.scheduler = Quiet(self.bus, crontab, clock)
        household = Household(
            lambda: AGENTS, lambda: self.dispatcher.cancels.keys(), lambda: ["box"]
        )
        self.supervisor = Supervisor(
            [
                {
                    "scheduler": self.scheduler,
                    "watcher": Watcher(self.bus, household, clock),
                },
                {"dispatcher": self.dispatcher},
                {
                    "callbacks": Callbacks(self.bus, lambda: AGENTS, clock),
                    "courier": Courier(self.bus, {"box": Box(world)}, clock),
                },
            ],
            clock,
            self.bus.recovered,
        )
        self.stop = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises HarnessError or Crash when the disk does not let it."""
        await self.bus.reclaim(self.owner)
        held = self.bus.reader.tasks(state=State.CONFIRMED)
        assert not held, f"leases outlive their owners: {held}"
        self.world.bus = self.bus
        self.running = asyncio.create_task(self.supervisor.run(self.stop))

    async def end(self) -> bool:
        """In good order, or by a crash if that is what comes meanwhile; whether it was one."""
        self.stop.set()
        crashed = asyncio.create_task(self.disk.crashed.wait())
        assert self.running is not None
        await asyncio.wait({self.running, crashed}, return_when=asyncio.FIRST_COMPLETED)
        crashed.cancel()
        by_crash = self.disk.crashed.is_set()
        await self.die()
        return by_crash

    async def die(self) -> None:
        """Whatever still runs is gone, and cannot write a word of farewell."""
        self.disk.crash()
        me, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for _ in range(50):
            doomed = [task for task in loop.tasks if not task.done() and task is not me]
            if not doomed:
                break
            for task in doomed:
                task.cancel()
            await asyncio.wait(doomed, timeout=0.001)
        assert not doomed, f"these outlive their process: {doomed}"
        self.bus.reader.close()
        self.disk.db.close()


class Box:
    """The channel `box`."""

    name = "box"

    def __init__(self, world: World) -> None:
        self.deliver = world.deliver


def simulate(seed: int) -> Report:
    """Run one seed. Raises AssertionError when a promise is broken."""
    with silence(), folder() as place:
        path = shutil.copy(template(), place / "harness.db")
        loop = VirtualLoop()
        try:
            return loop.run_until_complete(tell(seed, Path(path)))
        finally:
            loop.close()


async def tell(seed: int, path: Path) -> Report:
    """The story of a seed."""
    dice, clock = Random(seed), VirtualClock()
    world, ids = World(dice, clock), Ids(clock, dice.getrandbits)
    crontab, crashes = crontab_of(), 0
    for _ in range(LIVES):
        crashes += await live(Life(path, world, crontab, ids), dice)
        clock.shift(timedelta(seconds=dice.choice((0, 0, 0, -90, 400, 2500))))
        await clock.sleep(dice.choice((0, 1, 30, 300)))
    world.calm = True
    end = await calm_down(path, world, crontab, ids)
    with Reader(path) as reader:
        judge(reader, world, crontab, end)
        tasks, slots = len(reader.tasks(limit=10**6)), len(reader.slots(limit=10**6))
        recoveries = len(reader.recoveries(datetime.min.replace(tzinfo=clock.now().tzinfo)))
    return Report(seed, tasks, crashes, slots, recoveries)


async def live(life: Life, dice: Random) -> bool:
    """A life with accidents; whether it ended by a crash."""
    clock = life.world.clock
    life.disk.trouble = dice.choice(TROUBLE)
    try:
        await life.start()
    except (HarnessError, Crash):
        await life.die()
        return True
    until = clock.monotonic() + dice.uniform(20, LIFE_SECONDS)
    person = Person(life.disk.path, life.world)
    while clock.monotonic() < until and not life.disk.crashed.is_set():
        await clock.sleep(dice.uniform(0, 12))
        interfere(life, person, dice)
    person.leave()
    if life.disk.crashed.is_set() or dice.random() < 0.5:
        await life.die()
        return True
    return await life.end()


async def calm_down(path: Path, world: World, crontab: Crontab, ids: Ids) -> datetime:
    """A last life without accidents, until nothing is left to do; when that was."""
    clock = world.clock
    assert isinstance(clock, VirtualClock)
    clock.shift(timedelta(minutes=65))  # past every pause of the ladder
    life = Life(path, world, crontab, ids)
    await life.start()
    await clock.sleep(2 * WATCHDOG_SECONDS)
    end = clock.now() - timedelta(seconds=WATCHDOG_SECONDS)
    empty = Crontab(crontab.zone, {})
    await life.scheduler.apply(empty)
    until = clock.monotonic() + CALM_SECONDS
    while left := unfinished(life.bus):
        assert clock.monotonic() < until, f"never came to their end: {left}"
        await clock.sleep(20)
    await life.end()
    return end


def interfere(life: Life, person: Person, dice: Random) -> None:
    """A person, or another process, does something; or the daemon is woken for nothing."""
    match dice.randrange(9):
        case 0 | 1 | 8:
            person.send(dice.choice(AGENTS), dice.choice((None, "a", "b")))
        case 2:
            person.cancel_one(dice)
        case 3:
            person.resend_all()
        case 4:
            life.disk.changed()
        case 5:
            clock = life.world.clock
            assert isinstance(clock, VirtualClock)
            clock.shift(timedelta(seconds=dice.choice((-3700, -30, 30, 70, 3700))))
        case _:
            pass


class Person:
    """Writes from another process, past the daemon's disk and its accidents."""

    def __init__(self, path: Path, world: World) -> None:
        self.db, self.reader = open_fast(path), Reader(path)
        self.world = world
        self.ids = Ids(world.clock, world.dice.getrandbits)

    def send(self, agent: str, key: str | None) -> None:
        wish = Request(agent, "Please.", key=key, deliver=("box",), max_attempts=3)
        self.step(transitions.request, wish)

    def cancel_one(self, dice: Random) -> None:
        waiting = self.reader.tasks(state=State.REQUEST) + self.reader.tasks(state=State.CONFIRMED)
        if waiting:
            self.step(transitions.cancel, dice.choice(waiting).id, actor="person")

    def resend_all(self) -> None:
        for task in self.reader.dead():
            with suppress(IllegalTransition):
                self.step(transitions.resend, task.id, actor="person")
                self.world.resent.add(task.id)

    def step(self, step, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        with transaction(self.db):
            step(Transaction.begun(self.db, self.world.clock, self.ids), *args, **kwargs)

    def leave(self) -> None:
        self.reader.close()
        self.db.close()


@cache
def template() -> Path:
    """A migrated, empty database: every seed begins with a copy of it."""
    path = Path(tempfile.mkdtemp(prefix="harness-simulation-")) / "template.db"
    db = open_to_write(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@cache
def crontab_of() -> Crontab:
    file = template().with_name("cron.yaml")
    file.write_text(CRON)
    return read_crontab(file, frozenset(AGENTS))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="harness-simulation-") as name:
        yield Path(name)


@contextmanager
def silence() -> Iterator[None]:
    """The log of thousands of accidents is read by nobody."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
