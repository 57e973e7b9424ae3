"""One seed: ninety days of two agents, a person and nights of housework, on real files."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.clock import FakeClock
from harness.config.crew import read_crew
from harness.config.home import Home
from harness.config.rules import KnownTools
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.book import Book
from harness.memory.notes.uses import Uses
from harness.memory.search.index import Index
from harness.services.fires import WORK
from harness.services.night.housework import Housework
from harness.services.night.shift import Keeping
from harness.session.recall import Recall, Wanted
from harness.session.remembered import remembered
from harness.text.secrets import Redactor
from harness.text.tokens import estimate_tokens
from harness.tools.memory import Shelf
from tests.doubles.finals import DIGEST
from tests.simulation.disk import Crash
from tests.simulation.memory.habits import AGENTS, Habit, habits
from tests.simulation.memory.ledger import Ledger
from tests.simulation.memory.person import Person
from tests.simulation.memory.place import LIMIT, RECALL, Inline, found_home
from tests.simulation.memory.seam import Seam, durable
from tests.simulation.memory.verdict import check_day, check_end, size_of
from tests.simulation.memory.words import MOODS, Words
from tests.simulation.run import silence

T = TypeVar("T")
DAYS = 90
START = datetime(2026, 3, 2, 7, tzinfo=UTC)  # a Monday
MEASURED = (1, 30, 60, 90)
THINGS = ("Oil", "Rates", "Chips", "Gold", "Wheat", "Bonds", "Yen", "Copper", "Rents", "Cocoa")
MOVES = ("rose", "fell", "stalled", "surged", "slid", "jumped", "crept", "sank", "climbed")
JUMPS = (0, 0, 0, 0, 0, 0, 0, 0, -26, -3, 5, 50)  # hours that the clock is off on a day
TRIES = 3  # of a piece of work that crashes, before it is let be


@dataclass
class Size:
    """What a prompt and the memory came to on a day, both agents together."""

    day: int
    memory: int  # bytes of files
    prompt: int  # tokens of MEMORY.md and of what recall found


@dataclass
class Story:
    """What happened under one seed."""

    seed: int
    crashes: int = 0
    mistakes: int = 0
    rules: int = 0
    events: Counter[str] = field(default_factory=Counter)
    sizes: list[Size] = field(default_factory=list)


def simulate(seed: int, days: int = DAYS) -> Story:
    """Run one seed. Raises AssertionError when a promise is broken."""
    with silence(), tempfile.TemporaryDirectory(prefix="harness-quarter-") as name:
        quarter = Quarter(Home(Path(name)), seed, days)
        with durable(quarter.seam), asyncio.Runner() as runner:
            runner.get_loop().set_default_executor(Inline())
            return runner.run(quarter.run())


class Quarter:
    """The house of one seed, and who lives in it."""

    def __init__(self, home: Home, seed: int, days: int) -> None:
        self.home, self.dice, self.days = home, Random(seed), days
        self.clock = FakeClock(START)
        self.ids = Ids(self.clock, self.dice.getrandbits)
        self.seam, self.words = Seam(self.dice), Words(self.dice)
        self.story = Story(seed)
        self.habits = habits(self.dice, days)
        self.ledger = Ledger(home)
        self.person = Person(self)
        self.tasks = 0
        self.sizes_after_compress: dict[str, int] = {}
        self.trouble = self.dice.choice((0.0, 0.1, 0.3, 0.6))
        found_home(home)
        self.crew = read_crew(home, KnownTools(frozenset()), environment={})
        self.index = Index(home, self.clock)

    async def run(self) -> Story:
        for day in range(1, self.days + 1):
            off = timedelta(hours=self.dice.choice(JUMPS))
            self.at(day, off)
            self.words.mood = self.dice.choice(MOODS)
            self.agents_work(day)
            self.person.works()
            await self.night(day)
            self.index.sync()
            check_day(self, day)
            if day in MEASURED:
                self.story.sizes.append(await self.size(day))
        check_end(self)
        self.index.close()
        self.story.crashes = self.seam.crashes
        self.story.rules = sum(len(rules) for rules in self.ledger.rules.values())
        return self.story

    def at(self, day: int, off: timedelta) -> None:
        wanted = START + timedelta(days=day - 1) + off
        self.clock.shift(wanted - self.clock.now())

    # the day

    def agents_work(self, day: int) -> None:
        prompts = {agent: self.prompt(agent) for agent in AGENTS}
        for habit in self.habits:
            is_due = habit.starts < day <= habit.ends and self.dice.random() < habit.rate
            if is_due and not (habit.obeys and habit.is_told(prompts[habit.agent])):
                self.mistake(habit)
        for agent in AGENTS:
            for _ in range(self.dice.randint(0, 3)):
                self.note(agent)
        if self.dice.random() < 0.1:
            self.correction(self.dice.choice(AGENTS))

    def prompt(self, agent: str) -> str:
        path = self.home.memory_file(agent)
        text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        return remembered(text, path.name, LIMIT, self.clock.now().date())

    def mistake(self, habit: Habit) -> None:
        """Seen by the house at once; a crash leaves it owed, and it is recorded again."""
        self.story.mistakes += 1
        self.record(habit.agent, habit.seen(self.task(), self.clock.now()))

    def correction(self, agent: str) -> None:
        number = self.dice.choice(("one", "two"))
        self.story.events["corrections"] += 1
        said = Observation(
            Kind.LEARNING,
            "correction",
            f"The closing report names {number} source for each claim.",
            Source.PERSON,
            self.task(),
            self.clock.now(),
            fix=f"When writing the closing report, name {number} source for each claim.",
        )
        self.record(agent, said)

    def record(self, agent: str, seen: Observation) -> None:
        book = Book(self.home, agent, Redactor(), self.crew.settings.memory.similar)
        kept = self.despite(lambda: book.record(seen))
        self.ledger.saw(agent, kept.id, seen)

    def note(self, agent: str) -> None:
        said = f"{self.dice.choice(THINGS)} {self.dice.choice(MOVES)} {self.dice.randint(1, 9)} %"
        if self.dice.random() < 0.2:
            expiry = self.clock.now().date() + timedelta(days=self.dice.randint(1, 20))
            said += f" <!-- expires: {expiry} -->"
        shelf = Shelf(self.home.memory(agent), self.home.memory_file(agent))
        now = self.clock.now()
        outside = ("page.example",) if self.dice.random() < 0.1 else ()
        self.despite(lambda: shelf.append(said, now, outside))
        self.clock.shift(timedelta(minutes=1))
        self.ledger.noted(agent, now, said)

    def task(self) -> str:
        self.tasks += 1
        return f"task{self.tasks:05d}"

    def despite(self, work: Callable[[], T]) -> T:
        """What the work gives in the end, however often the process ends meanwhile."""
        for _ in range(TRIES):
            self.seam.arm(self.trouble / 10)
            with suppress(Crash):
                return work()
        self.seam.arm(0)
        return work()

    # the night

    async def night(self, day: int) -> None:
        works = ["compress"] * (day % 7 == 0) + ["reflect"] + ["gather"] * (day % 7 == 3)
        self.clock.shift(timedelta(hours=15))
        for work in works:
            await self.chore(work)

    async def chore(self, work: str) -> None:
        """Done until it comes to its end; each try is a new process."""
        for n in range(TRIES + 1):
            self.seam.arm(self.trouble if n < TRIES else 0)
            known = self.ledger.counts()
            try:
                await self.once(work)
                self.ledger.look_all()
                if work == "compress":
                    self.sizes_after_compress = {agent: size_of(self, agent) for agent in AGENTS}
                return
            except Crash:
                self.story.events[f"crash in {work}"] += 1
                self.ledger.cut_off(known)

    async def once(self, work: str) -> None:
        book = AuditBook(AuditLog(self.home.audit, Redactor()), self.clock)
        keeping = Keeping(self.home, self.clock, self.ids, book)
        house = Housework(
            keeping, lambda: self.crew, Hooks.none, lambda crew, agent: self.words.model
        )
        task = replace(
            DIGEST, id=self.ids(), agent="macro", sender="person", payload={WORK: [work]}
        )
        ended = await house(task, asyncio.Event())
        self.seam.arm(0)
        await book.aclose()
        self.ledger.told(work, ended)

    def interrupted(self, work: Callable[[], object]) -> None:
        self.seam.arm(self.trouble)
        known = self.ledger.counts()
        try:
            work()
        except Crash:
            self.story.events["crash in undo"] += 1
            self.ledger.cut_off(known)
        self.seam.arm(0)

    async def size(self, day: int) -> Size:
        recall = Recall(self.index, self.home.root, Uses(self.home), seconds=60)
        tokens = 0
        for agent in AGENTS:
            wanted = Wanted(
                agent,
                "Read the alpha table and the sigma table, and say how oil and rates moved.",
                "",
                RECALL,
                self.clock.now(),
            )
            found = await recall.find(wanted)
            said, told = estimate_tokens(self.prompt(agent)), estimate_tokens(found.notes)
            assert said <= LIMIT, f"day {day}: {agent}'s MEMORY.md takes {said} tokens of a prompt"
            assert told <= RECALL, f"day {day}: recall takes {told} tokens of {agent}'s prompt"
            tokens += said + told
        files = [path for path in (self.home.root / "memory").rglob("*") if path.is_file()]
        return Size(day, sum(path.stat().st_size for path in files), tokens)
