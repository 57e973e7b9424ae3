"""One attack from its beginning to its end, in a house that is wired as the daemon wires it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.bus.handed import Handed, payload_of
from harness.bus.port import Approval, ApprovalState, Request, Stamp, State, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.delivery.channels import build_channels
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.memory.search.index import Index
from harness.models.chain import FallbackModel
from harness.models.profiles import Models
from harness.models.scripted import ScriptedModel
from harness.network.web import Web
from harness.services.auditor import Auditor
from harness.services.callbacks import Callbacks
from harness.services.courier import Courier
from harness.services.dispatcher import Dispatcher
from harness.services.fires import WORK
from harness.services.hands import Equipment
from harness.services.night.housework import Housework, model_of
from harness.services.night.shift import Keeping
from harness.services.reflector import Reflector
from harness.services.sessions import Sessions
from harness.session.steps import Ended
from harness.text.secrets import Redactor
from harness.tools.catalogue import KNOWN
from tests.adversary.case import Case, Then
from tests.adversary.stranger import Stranger
from tests.adversary.victim import KEY, KEY_VARIABLE

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
AGENTS = ("zoe", "macro")
ROUNDS = 30  # of sessions after one another; more is a circle


class OneModel:
    """The same model, whatever profile is asked for."""

    def __init__(self, model: ScriptedModel, clock: FakeClock) -> None:
        self.chain = FallbackModel([model], clock)

    def get(self, profile: str | None) -> FallbackModel:
        return self.chain


@dataclass
class Night:
    """What there is to see after an attack."""

    case: Case
    home: Home
    stranger: Stranger
    model: ScriptedModel
    clock: FakeClock
    before: dict[str, bytes]
    tasks: list[Task] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)

    @property
    def laid(self) -> set[str]:
        """Names of the files that the case laid into the home."""
        return {path.rpartition("/")[2] for path in self.case.files}


@dataclass
class Parts:
    """A daemon's services, without their loops: each is told when to look."""

    bus: SqliteBus
    dispatcher: Dispatcher
    callbacks: Callbacks
    courier: Courier
    auditor: Auditor
    reflector: Reflector
    index: Index

    async def settle(self) -> None:
        """Until nobody has anything to do."""
        for _ in range(ROUNDS):
            async with asyncio.TaskGroup() as sessions:
                taken = await self.dispatcher.take_up(sessions)
            for task in await self.bus.owed(Stamp.CALLED_BACK):
                await self.callbacks.offer(task)
            for task in await self.bus.owed(Stamp.DELIVERED):
                await self.courier.bring(task)
            for task in await self.bus.owed(Stamp.LEARNED):
                await self.reflector.offer(task)
            self.index.sync()
            if not taken:
                return
        raise AssertionError("the house goes round in circles")


@asynccontextmanager
async def daemon(night: Night, web: Web) -> AsyncIterator[Parts]:
    clock, home = night.clock, night.home
    environment = {KEY_VARIABLE: KEY}
    crew: Crew = read_crew(home, KNOWN, environment=environment)
    assert not crew.problems, [problem.render() for problem in crew.problems]
    redactor = Redactor.knowing(environment)
    audit = AuditBook(AuditLog(home.audit, redactor), clock)
    hooks = Hooks.freeze(crew.settings.hooks, home, environment, redactor, clock)
    models = cast(Models, OneModel(night.model, clock))
    number = len(night.tasks) + int(clock.monotonic())
    index = Index(home, clock)
    async with SqliteBus.open(home, clock, Ids(clock, random.Random(number).getrandbits)) as bus:
        sessions = Sessions(
            Equipment(home, bus, clock, web, audit, index),
            lambda: crew,
            lambda: models,
            lambda: hooks,
        )
        housework = Housework(
            Keeping(home, clock, bus.ids, audit),
            lambda: crew,
            lambda: hooks,
            lambda crew, agent: model_of(models, crew, agent),
        )

        async def answer(task: Task, cancel: asyncio.Event) -> Ended:
            return await (housework if WORK in task.payload else sessions)(task, cancel)

        channels = build_channels(home, crew.crontab.zone, clock, redactor)
        yield Parts(
            bus,
            Dispatcher(bus, answer, lambda: dict.fromkeys(AGENTS, 1), "daemon", clock),
            Callbacks(bus, lambda: AGENTS, clock),
            Courier(bus, channels, clock),
            Auditor(bus, audit),
            Reflector(bus, home, audit, lambda: hooks, lambda: crew, clock),
            index,
        )
    index.close()
    await audit.aclose()


async def play(night: Night, web: Web) -> None:
    """Everything that the case says, in its order."""
    tasks = [night.case.task, *night.case.others]
    waiting = [*(Then(task=task) for task in tasks), *night.case.then]
    while waiting:
        async with daemon(night, web) as parts:
            while waiting and not (step := waiting.pop(0)).restart:
                await do(step, night, parts)
                await parts.settle()
            reader = parts.bus.reader
            night.tasks = reader.tasks(limit=2_000)
            night.approvals = [*reader.approvals(night.clock.now())]


async def do(step: Then, night: Night, parts: Parts) -> None:
    if step.task:
        await parts.bus.request(asked(step, night.case))
    if step.works:
        await parts.bus.request(Request("zoe", "Work.", payload={WORK: list(step.works)}))
    if step.hours:
        await night.clock.advance(step.hours * 3600)
    for approval in parts.bus.reader.approvals(night.clock.now()):
        if step.decide and approval.at(night.clock.now()) is ApprovalState.PENDING:
            approved = step.decide == "approve"
            await parts.bus.decide(approval.id, approved=approved, actor="person")
    if step.cancel:
        for task in parts.bus.reader.tasks(state=State.REQUEST):
            await parts.bus.cancel(task.id, actor="person")


def asked(step: Then, case: Case) -> Request:
    handed = Handed("early", "macro", "today", "done", None, case.handed, ("evil.test",))
    payload = payload_of([handed]) if case.handed and step.task == case.task else {}
    return Request(step.agent, step.task, deliver=("archive", "log"), payload=payload)
