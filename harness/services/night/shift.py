"""One run of the house's own work: who wants it, what it may spend, and when it must stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from harness.audit.book import AuditBook
from harness.bus.port import Task
from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.home import Home
from harness.config.settings import MemorySettings
from harness.errors import NotFound
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.models.asked import AskedBy
from harness.models.port import Asker, Model
from harness.services.night.purse import Purse
from harness.services.night.report import Report
from harness.services.night.wordsmith import Wordsmith
from harness.session.watch import Watch
from harness.text.secrets import Redactor

T = TypeVar("T")
ONLY = "only"  # of a payload: the one agent that the work is about


@dataclass(frozen=True)
class Keeping:
    """What all runs of a home share."""

    home: Home
    clock: Clock
    ids: Ids
    audit: AuditBook

    @property
    def redactor(self) -> Redactor:
        return self.audit.audit.redactor


@dataclass(frozen=True)
class Shift:
    """One run, from the crew's files as they were at its beginning."""

    keeping: Keeping
    task: Task
    crew: Crew
    model_of: Callable[[str], Model | None]  # an agent's; None: it has none
    hooks: Hooks
    watch: Watch
    purse: Purse
    report: Report
    purpose: str = "housework"  # of the chore, for the books of the models

    @property
    def home(self) -> Home:
        return self.keeping.home

    @property
    def settings(self) -> MemorySettings:
        return self.crew.settings.memory

    @property
    def now(self) -> datetime:
        """In the crew's zone: its days are those of a rule."""
        return self.keeping.clock.now().astimezone(self.crew.crontab.zone)

    @property
    def by(self) -> str:
        """Who made a change, for the journal and the audit."""
        return f"agent:{self.task.agent}"

    @property
    def agents(self) -> Sequence[str]:
        """Whom the work is about: the crew, or the one that was named. Raises NotFound."""
        only = self.task.payload.get(ONLY)
        if only is None:
            return sorted(self.crew.profiles)
        if only not in self.crew.profiles:
            raise NotFound(f"there is no agent `{only}` in the crew now")
        return [only]

    def wordsmith(self, agent: str) -> Wordsmith:
        """Who words for the agent: it is the agent's account that pays."""
        model, task = self.model_of(agent), self.task
        asker = Asker(agent, task.id, task.priority, self.purpose)
        return Wordsmith(AskedBy(model, asker) if model else None, self.purse, self.watch)

    async def step(self, work: Callable[[], T]) -> T:
        """One step on the disk, whole, away from the loop. Raises Stop before it when the run
        was cut off; a step that has begun is finished."""
        self.watch.check()
        return await asyncio.shield(asyncio.to_thread(work))

    def record(self, action: str, target: str, **details: object) -> None:
        self.keeping.audit.record(self.by, action, target, {"task": self.task.id, **details})
