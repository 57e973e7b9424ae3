"""One seed: days of a daemon that is stopped, killed, started, and asked, until all is counted."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import structlog

from harness.bus.port import Priority
from harness.config.home import Home
from harness.models.limits.amount import Amount
from harness.services import meanings
from harness.services.folder_watch import FolderWatch
from tests.simulation.affinity.work import HOURS
from tests.simulation.pool.census import census
from tests.simulation.pool.counted import Record, Trouble
from tests.simulation.pool.home import NIGHTS, ZONE, lay_out, limits, settings, write
from tests.simulation.pool.life import Life
from tests.simulation.pool.lives import run
from tests.simulation.pool.world import Misfortune, Person, Speech, Wire, doubles, ended
from tests.virtual_http import VirtualClock

START = datetime(2026, 3, 2, 6, tzinfo=ZoneInfo(ZONE))
BEFORE = timedelta(seconds=150)  # of a cluster, the machine wakes up
LEAST, NIGHT, MOST = 260.0, 200.0, 2400.0  # seconds that it stays awake
MEANING_SECONDS = 0.05  # real ones: while a thread waits for a vector, time stands still
MISFORTUNE = 0.5  # the share of clusters in which hosts are not well
ACCIDENT = 0.4  # the share of clusters that one befalls
ACCIDENTS = ("stop", "kill", "step", "reload")


@dataclass
class Story:
    """What happened under one seed, for the verdict."""

    seed: int
    home: Home
    record: Record
    begun: datetime
    ended: datetime | None = None
    kills: int = 0
    starts: int = 0
    beyond: Amount = field(default_factory=Amount)  # what calls took beyond what they held
    limits: dict[date, list[dict[str, Any]]] = field(default_factory=dict)  # in force that day
    sizes: list[Counter[str]] = field(default_factory=list)  # each evening of one life
    words: list[tuple[str, str, str]] = field(default_factory=list)  # level, event, details
    left: list[str] = field(default_factory=list)  # what is held or under way at the end
    clock: list[tuple[float, datetime]] = field(default_factory=list)  # from when on, its zero

    def moment(self, at: datetime) -> float:
        """The steady time of a time on the wall; of several, the last."""
        ends = [began for began, _ in self.clock[1:]] + [float("inf")]
        found = [
            steady
            for (began, zero), end in zip(self.clock, ends, strict=True)
            if began - 1 <= (steady := (at - zero).total_seconds()) <= end + 1
        ]
        return found[-1] if found else float("-inf")


class Days:
    """The days of one seed. In `steady` ones the daemon lives through, so that what it holds can be
    weighed; nothing but its settings changes."""

    def __init__(self, seed: int, root: Path, *, steady: bool) -> None:
        self.dice, self.clock = Random(seed), VirtualClock(START)
        self.root, self.steady = root, steady
        self.record, self.speech = Record(), Speech(self.dice)
        self.hosts = doubles(self.record, self.speech, self.clock)
        self.story = Story(seed, Home(root), self.record, START, clock=[(0.0, START)])
        self.wire = Wire(self.clock, self.dice)
        self.feed = ""
        self.life: Life
        self.person: Person

    @property
    def addresses(self) -> dict[str, str]:
        return {host.name: host.url for host in self.hosts}

    @property
    def now(self) -> datetime:
        return self.clock.now().astimezone(ZoneInfo(ZONE))

    async def live(self, days: int, hours: int) -> Story:
        for host in self.hosts:
            await host.start()
        self.feed = await self.wire.start()
        lay_out(self.root, self.addresses, self.feed, self.dice)
        self.set_up(limits(self.dice))
        await self.begin()
        self.person = Person(self.story.home.database, self.clock, self.dice)
        self.record.slots = self.slots
        for _ in range(days):
            await self.day(hours)
        await self.calm_down()
        self.person.leave()
        await self.wire.http.stop()
        for host in self.hosts:
            await host.stop()
        return self.story

    async def day(self, hours: int) -> None:
        """The clusters of the day, midnight, and the night."""
        today = self.now.date()
        for minute in sorted(HOURS)[:hours]:
            await self.awake(at(today, minute))
        self.story.sizes.append(census(self.life.app))
        await self.awake(at(today, 24 * 60 - 2) + BEFORE)
        for _, hour in NIGHTS.values():
            await self.awake(at(today + timedelta(days=1), hour * 60 + 30), least=NIGHT)

    async def awake(self, when: datetime, least: float = LEAST) -> None:
        """Sleep until shortly before a cluster, and live through it, with what befalls it."""
        self.jump(when - BEFORE)
        misfortune = Misfortune(self.hosts, self.speech, self.record, self.clock, self.dice)
        others = [asyncio.create_task(self.person.run())]
        if self.dice.random() < MISFORTUNE:
            others.append(asyncio.create_task(misfortune.run()))
        began = self.clock.monotonic()
        until = began + self.dice.uniform(least, least + 60)
        if self.dice.random() < ACCIDENT:
            await self.clock.sleep(BEFORE.total_seconds() + self.dice.uniform(1, 90))
            await self.accident(self.dice.choice(("reload",) if self.steady else ACCIDENTS))
        while self.clock.monotonic() < until or self.person.unfinished():
            await self.clock.sleep(15)
            if self.clock.monotonic() - began > MOST:
                break
        for other in others:
            await ended(other)

    def jump(self, when: datetime) -> None:
        """The machine sleeps until then; it never goes back."""
        if when > self.now:
            self.step(when - self.now)

    def step(self, by: timedelta) -> None:
        self.clock.shift(by)
        self.story.clock.append((self.clock.monotonic(), self.clock.start))

    async def accident(self, kind: str) -> None:
        match kind:
            case "stop":
                await self.end()
                await self.absent()
            case "kill":
                await self.kill()
                await self.absent()
            case "step":
                self.step(timedelta(seconds=self.dice.choice((-3700, -40, 40, 400, 3700))))
            case "reload":
                self.set_up(limits(self.dice))

    async def absent(self) -> None:
        await self.clock.sleep(self.dice.choice((0, 5, 60, 300)))
        await self.begin()

    async def begin(self) -> None:
        self.story.starts += 1
        self.record.life = self.story.starts
        self.life = Life(self.story.home, self.clock, self.story.starts)
        await self.life.begun()

    async def end(self) -> None:
        self.trouble("stop")
        await self.life.end()
        self.story.beyond += self.life.beyond

    async def kill(self) -> None:
        self.trouble("kill")
        self.story.kills += 1
        await self.life.die()
        self.story.beyond += self.life.beyond

    def trouble(self, kind: str) -> None:
        now = self.clock.monotonic()
        self.record.trouble.append(Trouble(kind, "", now, now))

    def set_up(self, bounds: dict[str, Any]) -> None:
        """Change the settings; the daemon finds it out."""
        data = settings(self.addresses, self.feed, self.dice)
        data["models"]["limits"] = bounds
        write(self.story.home.settings_file, data)
        self.trouble("reload")
        self.story.limits.setdefault(self.now.date(), []).append(bounds)

    def slots(self, host: str) -> int:
        server = self.life.app.models.pool.fleet.servers.get(host)
        return server.host.slots if server else 0

    async def calm_down(self) -> None:
        """Without misfortune, limits and jobs, until nothing is left to do; then look what is
        held."""
        self.set_up({})
        await self.clock.sleep(60)
        self.person.send(Priority.P0)
        until = self.clock.monotonic() + 7200
        while left := self.person.unfinished():
            assert self.clock.monotonic() < until, f"never came to their end: {left}"
            if all(task.not_before > self.clock.now() for task in left):
                self.jump(self.now + timedelta(minutes=30))
            await self.clock.sleep(20)
        await self.clock.sleep(30)
        self.story.left = list(left_over(self.life))
        await self.end()
        self.story.ended = self.now


def left_over(life: Life) -> Iterator[str]:
    """What should not be held when nothing is to be done."""
    app = life.app
    for reservation in app.limits._open.values():
        yield f"reserved: {reservation}"
    pool = app.models.pool
    for server in pool.fleet.servers.values():
        for held in server.held.values():
            yield from (f"runs at {server.name}: {slot}" for slot in held.running.values())
        if server.loading:
            yield f"is loaded at {server.name}: {server.loading}"
    yield from (f"waits: {line}" for line in pool.snapshot().lines)
    yield from (f"session: {task}" for task in app.dispatcher.cancels)


def at(day: date, minute: int) -> datetime:
    begin = datetime.combine(day, time.min, ZoneInfo(ZONE))
    return begin + timedelta(minutes=minute)


@contextmanager
def lived(seed: int, days: int = 2, hours: int = 99, *, steady: bool = False) -> Iterator[Story]:
    """The story of a seed's days, of each as many clusters as `hours`; its files are there until
    the block is left."""
    shm = Path("/dev/shm")  # where files cost no disk anything
    folder = tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None)
    with ExitStack() as stack:
        home = Path(stack.enter_context(folder)) / "home"
        stack.enter_context(patch.object(FolderWatch, "follow", lambda self, folders: None))
        stack.enter_context(patch.object(meanings, "ASK_SECONDS", MEANING_SECONDS))
        words = stack.enter_context(overheard())

        async def tell() -> Story:
            return await Days(seed, home, steady=steady).live(days, hours)

        story: Story = run(tell())
        story.words = words
        yield story


@contextmanager
def overheard() -> Iterator[list[tuple[str, str, str]]]:
    """What the log would say, from warnings upwards."""
    words: list[tuple[str, str, str]] = []

    def hear(logger: object, level: str, event: MutableMapping[str, Any]) -> Any:
        if level not in ("debug", "info"):
            told = {name: value for name, value in event.items() if name != "event"}
            if level == "exception":
                told["traceback"] = traceback.format_exc()
            words.append((level, str(event.get("event")), str(told)))
        raise structlog.DropEvent

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append((record.levelname.lower(), record.getMessage(), self.format(record)))

    before, ear, root = structlog.get_config(), Ear(logging.WARNING), logging.getLogger()
    structlog.configure(processors=[hear], wrapper_class=structlog.BoundLogger)
    root.addHandler(ear)
    try:
        yield words
    finally:
        root.removeHandler(ear)
        structlog.configure(**before)
