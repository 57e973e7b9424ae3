"""Builds every object of the daemon once, from a home. The only place that wires."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from harness import __version__
from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.bus.port import Recovered, Task
from harness.bus.routed import LANE, Decision
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock, SystemClock, stamp
from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.config.profile import profile_files
from harness.config.secret_ref import secret_values
from harness.db.integrity import check_whole
from harness.delivery.channels import build_channels
from harness.errors import Fatal
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.memory.search.index import Index
from harness.models.books import Books
from harness.models.cache.cache import Cache
from harness.models.ledger.ledger import Ledger
from harness.models.limits.limits import Limits
from harness.models.pool.pool import Pool
from harness.models.port import Model
from harness.models.profiles import Models, Way
from harness.network.web import Web
from harness.services.auditor import Auditor
from harness.services.board import Board
from harness.services.bookkeeper import Bookkeeper
from harness.services.callbacks import Callbacks
from harness.services.courier import Courier
from harness.services.dispatcher import Dispatcher
from harness.services.fires import WORK
from harness.services.floor import Floor
from harness.services.hands import Equipment
from harness.services.heart import Heart, Hold
from harness.services.librarian import Librarian
from harness.services.listeners import Listeners
from harness.services.live import Live
from harness.services.lookout import Lookout, Outlook
from harness.services.meanings import Meanings
from harness.services.night.housework import Housework, model_of
from harness.services.night.shift import Keeping
from harness.services.notify import Notifier, Watchdog, watchdog_period
from harness.services.prefetch import Prefetch
from harness.services.reflector import Reflector
from harness.services.reloader import Reloader
from harness.services.retired import Retired
from harness.services.routing import AT_A_TIME, Router
from harness.services.scheduler import Scheduler
from harness.services.sessions import Sessions
from harness.services.supervisor import Supervisor
from harness.services.watcher import Household, Watcher
from harness.session.steps import Ended
from harness.text.secrets import Redactor
from harness.tools.catalogue import KNOWN

log = structlog.get_logger("daemon")

WELL_SECONDS = 60.0  # without a sign of life from a service that others rely on
AGENT_CAP = 1  # sessions of one agent at a time


@dataclass(frozen=True)
class Readiness:
    """What the daemon can say of itself once it is up."""

    home: Home
    version: str
    started_at: datetime
    agents: tuple[str, ...]
    jobs: int
    outlook: Outlook
    taken_over: int  # tasks that an earlier daemon left behind
    next_fires: tuple[tuple[datetime, str], ...]  # each in its job's own time zone


class App:
    """The daemon's parts, open. Close it with `aclose`."""

    def __init__(
        self,
        home: Home,
        crew: Crew,
        bus: SqliteBus,
        clock: Clock,
        environment: Mapping[str, str],
        hold: Hold | None,
        redactor: Redactor | None = None,
    ) -> None:
        self.home = home
        self.crew = crew
        self.bus = bus
        self.clock = clock
        self.environment = environment
        self.hold = hold
        self.started_at = clock.now()
        self.owner = f"daemon-{os.getpid()}-{bus.ids()}"
        self.ledger = Ledger(home.ledger, clock)
        self.limits = Limits(crew.settings.models.limits, self.ledger.day, clock, crew.crontab.zone)
        self.models = self.make_models(crew)
        self.retired = Retired()
        network = crew.settings.network
        self.web = Web(clock, allow=network.allow, proxy=network.proxy)
        self.redactor = redactor or Redactor.knowing(environment)
        self.redactor.learn(secret_values(crew.settings, environment))
        self.audit = AuditBook(AuditLog(home.audit, self.redactor), clock)
        self.hooks = self.freeze_hooks()
        self.asked = self.answered = 0  # reloads by a person, who alone changes the hooks
        self.index = Index(home, clock)
        self.live = Live()
        self.listeners = Listeners(home.listeners, self.live, clock)
        self.sessions = Sessions(
            Equipment(home, bus, clock, self.web, self.audit, self.index),
            lambda: self.crew,
            lambda: self.models,
            lambda: self.hooks,
            self.live,
        )
        self.housework = self.make_housework()
        self.router = Router(lambda: self.crew, self.small_model, clock)
        self.dispatcher = Dispatcher(bus, self.answer, self.lanes, self.owner, clock)
        self.scheduler = Scheduler(bus, crew.crontab, clock)
        channels = build_channels(home, crew.crontab.zone, clock, self.redactor)
        self.courier = Courier(bus, channels, clock)
        self.callbacks = Callbacks(bus, self.agents, clock)
        self.reflector = Reflector(
            bus, home, self.audit, lambda: self.hooks, lambda: self.crew, clock
        )
        household = Household(
            served=lambda: {*self.agents(), LANE},
            at_work=lambda: self.dispatcher.cancels.keys(),
            alert_to=lambda: self.crew.settings.delivery.default,
        )
        self.watcher = Watcher(bus, household, clock)
        self.floor = Floor(home, bus.reader, hold.intact, clock) if hold else None
        self.heart = self.make_heart(hold, self.floor) if hold and self.floor else None
        self.reloader = Reloader(home, self.reload, clock)
        self.librarian = Librarian(home, self.index, clock)
        self.meanings = Meanings(self.index, lambda: self.models.embedder, clock)
        self.lookout = Lookout(lambda: self.models.get(None), self.tell, clock)
        self.prefetch = Prefetch(
            lambda: self.scheduler.due,
            lambda: self.crew,
            lambda: self.models.pool,
            lambda: self.lookout.told is not None and self.lookout.told.trouble is None,
            clock,
        )
        self.auditor = Auditor(bus, self.audit)
        self.bookkeeper = Bookkeeper(self.ledger, lambda: self.crew.crontab.zone, clock)
        self.board = Board(home.pool, lambda: self.models.pool.snapshot(), clock) if hold else None
        self.notifier = Notifier.of(environment)
        period = watchdog_period(environment)
        self.watchdog = Watchdog(self.notifier, self.is_well, period, clock)

    @classmethod
    def open(
        cls,
        home: Home,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
        hold: Hold | None = None,
        redactor: Redactor | None = None,
    ) -> App:
        """Read the home and open its bus; `hold` is its lock, if the process has it; `redactor`
        knows the secrets of the environment, and is taught those of the settings.

        Raises ConfigError, SchemaTooNew, Damaged, HarnessError.
        """
        clock = clock or SystemClock()
        variables = os.environ if environment is None else environment
        crew = read_crew(home, KNOWN, environment=variables)
        check_whole(home.database)
        bus = SqliteBus.open(home, clock, Ids(clock))
        return cls(home, crew, bus, clock, variables, hold, redactor)

    async def aclose(self) -> None:
        await self.retired.let_go()
        await self.models.aclose()
        await self.ledger.aclose()
        await self.web.aclose()
        await self.audit.aclose()
        await asyncio.to_thread(self.index.close)
        await self.bus.aclose()

    def lanes(self) -> Mapping[str, int]:
        """Each agent's lane with its cap, and that of requests that name nobody."""
        return {LANE: AT_A_TIME, **dict.fromkeys(self.crew.profiles, AGENT_CAP)}

    def agents(self) -> Collection[str]:
        """Who has a file in the home, even one that does not parse just now, or is in force."""
        return {name for name, _ in profile_files(self.home)} | self.crew.profiles.keys()

    def small_model(self) -> Model:
        """For cheap work: the one that the settings name for it, else the default."""
        return self.models.get(self.crew.settings.models.small)

    def answer(self, task: Task, cancel: asyncio.Event) -> Awaitable[Ended | Decision]:
        """By the house itself where its work is asked for, or nobody is named; else by a
        session."""
        if task.lane == LANE:
            return self.router(task, cancel)
        chosen = self.housework if WORK in task.payload else self.sessions
        return chosen(task, cancel)

    def make_models(self, crew: Crew, pool: Pool | None = None) -> Models:
        settings = crew.settings.models
        cache = Cache(settings.cache, self.clock, lambda: self.models.embedder)
        books = Books(self.ledger, self.limits, cache)
        way = Way(self.environment, crew.settings.network.proxy)
        return Models(settings, self.clock, self.home.root, books, way, pool)

    def make_housework(self) -> Housework:
        return Housework(
            Keeping(self.home, self.clock, self.bus.ids, self.audit),
            lambda: self.crew,
            lambda: self.hooks,
            lambda crew, agent: model_of(self.models, crew, agent),
        )

    def make_heart(self, hold: Hold, floor: Floor) -> Heart:
        stacks = self.home.logs / "stalls.log"
        return Heart(hold, self.bus.recovered, self.clock, stacks, floor.check)

    def is_well(self) -> bool:
        """Whether the loop turns and the schedule is looked at; a busy minute is no illness."""
        signs = [self.scheduler.ticked, *([self.heart.beaten] if self.heart else [])]
        return self.clock.monotonic() - min(signs) < WELL_SECONDS

    def supervisor(self) -> Supervisor:
        """The services in the order in which they stop: nothing new comes in, what runs is
        handed back, what is final is handed over, and to the last the heart beats."""
        return Supervisor(
            [
                {"reloader": self.reloader, "scheduler": self.scheduler, "watcher": self.watcher},
                {
                    "dispatcher": self.dispatcher,
                    "lookout": self.lookout,
                    "librarian": self.librarian,
                    "meanings": self.meanings,
                    "prefetch": self.prefetch,
                },
                {
                    "callbacks": self.callbacks,
                    "courier": self.courier,
                    "reflector": self.reflector,
                    "listeners": self.listeners,
                },
                {
                    "auditor": self.auditor,
                    "bookkeeper": self.bookkeeper,
                    **({"board": self.board} if self.board else {}),
                    "watchdog": self.watchdog,
                    **({"heart": self.heart} if self.heart else {}),
                },
            ],
            self.clock,
            self.bus.recovered,
        )

    def freeze_hooks(self) -> Hooks:
        """The hooks of the settings with their files as they are now."""
        hooks = self.crew.settings.hooks
        return Hooks.freeze(hooks, self.home, self.environment, self.redactor, self.clock)

    def ring(self) -> None:
        """A person wants the files read again, and the hooks taken up as they are then."""
        self.asked += 1
        self.notifier.send(RELOADING=1, MONOTONIC_USEC=int(self.clock.monotonic() * 1_000_000))
        self.reloader.ring()

    async def take_up_hooks(self, asked: int) -> None:
        self.hooks = await asyncio.to_thread(self.freeze_hooks)
        self.answered = asked
        self.record("hooks.taken_up", hooks=[each.hook.label for each in self.hooks.frozen])
        log.info("hooks taken up", hooks=len(self.hooks.frozen))
        if self.lookout.told is not None:
            self.tell(self.lookout.told)
        self.notifier.send(READY=1)

    async def reload(self) -> None:
        """Read the files again; each that does not parse keeps its last good version. The hooks
        stay as they are unless a person asked.

        Raises HarnessError when the bus cannot be written, and then nothing has changed.
        """
        before, asked = self.crew, self.asked
        crew = await asyncio.to_thread(
            read_crew, self.home, KNOWN, last=before, environment=self.environment
        )
        await self.scheduler.apply(crew.crontab)
        self.crew = crew
        if (crew.settings.models, crew.settings.network.proxy) != (
            before.settings.models,
            before.settings.network.proxy,
        ):
            await self.retired.let_go(self.dispatcher.cancels)
            self.retired.keep(self.models, self.dispatcher.cancels)
            self.models = self.make_models(crew, self.models.pool)
        self.limits.apply(crew.settings.models.limits, crew.crontab.zone)
        self.web.apply(crew.settings.network.allow, crew.settings.network.proxy)
        self.redactor.learn(secret_values(crew.settings, self.environment))
        self.courier.channels = build_channels(
            self.home, crew.crontab.zone, self.clock, self.redactor
        )
        if asked > self.answered:
            await self.take_up_hooks(asked)
        self.say_what_is_wrong()
        await self.record_refused(crew, before)
        self.record("files.reloaded", **self.crew_facts())
        log.info("files read again", agents=len(crew.profiles), jobs=len(crew.crontab.jobs))

    async def record_refused(self, crew: Crew, before: Crew) -> None:
        """Remember each file whose last good version is in force from now on."""
        told: set[Path] = set()
        for problem in crew.problems:
            if problem.path in crew.refused - before.refused - told:
                told.add(problem.path)
                name = problem.path.relative_to(self.home.root).as_posix()
                await self.bus.recovered(Recovered.CONFIG, name, problem.message)

    def say_what_is_wrong(self) -> None:
        for problem in self.crew.problems:
            refused = problem.path in self.crew.refused
            event = "the last good version stays in force" if refused else "a fault in the files"
            log.error(event, problem=problem.render())
        for agent in self.crew.left_out:
            log.error("left out until its files are in order; its tasks wait", agent=agent)
        for warning in self.crew.warnings:
            log.warning(warning)
        if self.hooks.differ(self.crew.settings.hooks):
            log.warning("the hooks in harness.yaml have changed and wait for: harness hooks reload")

    def record(self, action: str, **details: object) -> None:
        """Write to the audit what the daemon itself does."""
        self.audit.record("daemon", action, str(self.home.root), details)

    def crew_facts(self) -> dict[str, object]:
        return {
            "agents": len(self.crew.profiles),
            "jobs": len(self.crew.crontab.jobs),
            "problems": [f"{problem.where}: {problem.message}" for problem in self.crew.problems],
        }

    def tell(self, outlook: Outlook) -> None:
        """Say to whoever asks from outside that we are there, and what answers."""
        if self.hold is not None:
            self.hold.tell(
                pid=os.getpid(),
                started_at=self.started_at.astimezone().isoformat(timespec="milliseconds"),
                version=__version__,
                model=outlook.model,
                trouble=outlook.trouble,
                hooks=self.hooks.facts,
                hooks_at=stamp(self.hooks.at),
            )

    async def ready(self) -> Readiness:
        """Take over what an earlier daemon left, look for the model, and tell."""
        taken_over = await self.bus.reclaim(self.owner)
        await self.ledger.open()
        outlook = await self.lookout.look()
        await self.models.get(None).probe()  # whoever is away rests before the first session
        self.record("daemon.started", version=__version__, owner=self.owner, **self.crew_facts())
        return Readiness(
            home=self.home,
            version=__version__,
            started_at=self.started_at,
            agents=tuple(self.crew.profiles),
            jobs=sum(job.enabled for job in self.crew.crontab.jobs.values()),
            outlook=outlook,
            taken_over=len(taken_over),
            next_fires=tuple(
                (due.astimezone(self.crew.crontab.jobs[job].zone), job)
                for due, job in self.scheduler.next_fires(3)
            ),
        )


async def serve(app: App, stop: asyncio.Event, up: Callable[[Readiness], None]) -> None:
    """Run the crew until `stop` is set; `up` is called once everything is ready."""
    try:
        app.say_what_is_wrong()
        readiness = await app.ready()
        up(readiness)
        app.notifier.send(READY=1, STATUS=f"{len(readiness.agents)} agents, {readiness.jobs} jobs")
        await run_to_the_end(app, stop)
        app.record("daemon.stopped", owner=app.owner)
    finally:
        await app.aclose()


async def run_to_the_end(app: App, stop: asyncio.Event) -> None:
    """Run the services; a database that was taken away is rescued once none writes any more."""
    try:
        await app.supervisor().run(stop)
    except Fatal as error:
        if app.floor is None:
            raise
        raise Fatal(str(error), hint=app.floor.rescue()) from error
