"""The reflector: reads each session that is over, and writes down what it shows.

Nobody has to remember to learn: a mistake that stands in the transcript gets into `.learnings/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from harness.audit.book import AuditBook
from harness.bus.outside import outside_of
from harness.bus.port import RETRY_LADDER, Stamp, Task
from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.home import Home
from harness.config.hooks import HookEvent
from harness.errors import HarnessError
from harness.hooks.hooks import Hooks
from harness.memory.learning import Observation
from harness.memory.lessons.book import Book, Kept
from harness.services.waiting import unless
from harness.session.observed import observations, sources_in
from harness.session.steps import Step
from harness.session.transcript import read_transcript

log = structlog.get_logger("reflector")

BATCH = 50
IDLE_SECONDS = 10.0
TOO_OLD = timedelta(days=7)  # of what ended before that, nobody wants a lesson any more
RECORDED = "learning.recorded"


class Finished(Protocol):
    """What the reflector needs of the bus."""

    async def owed(self, which: Stamp, limit: int = 100) -> list[Task]: ...

    async def stamp(self, task_id: str, which: Stamp) -> None: ...

    async def wait(self, timeout: float) -> bool: ...


class Reflector:
    """Reads what is over, oldest first; each task once."""

    def __init__(
        self,
        bus: Finished,
        home: Home,
        audit: AuditBook,
        hooks: Callable[[], Hooks],
        crew: Callable[[], Crew],
        clock: Clock,
    ) -> None:
        self.bus = bus
        self.home = home
        self.audit = audit
        self.hooks = hooks
        self.crew = crew
        self.clock = clock
        self.again_at: dict[str, tuple[int, datetime]] = {}  # tries of what could not be written

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop; what is not read then is read by the next daemon."""
        while not stop.is_set():
            owed = await self.bus.owed(Stamp.LEARNED, BATCH + len(self.again_at))
            self.again_at = {t.id: self.again_at[t.id] for t in owed if t.id in self.again_at}
            due = [task for task in owed if not self.rests(task)]
            for task in due:
                if stop.is_set():
                    return
                await self.offer(task)
            if len(due) < BATCH:
                await unless(stop, self.bus.wait(IDLE_SECONDS))

    async def offer(self, task: Task) -> None:
        """Read one; one that cannot be written down rests, and holds up no other."""
        tries, _ = self.again_at.get(task.id, (0, None))
        try:
            await self.read(task)
        except (HarnessError, OSError) as error:
            if tries < len(RETRY_LADDER):
                self.again_at[task.id] = (tries + 1, self.clock.now() + RETRY_LADDER[tries])
                log.warning("not written down yet", task=task.id, reason=str(error))
                return
            log.error("never written down", task=task.id, reason=str(error))
        await self.bus.stamp(task.id, Stamp.LEARNED)

    def rests(self, task: Task) -> bool:
        """Whether it could not be written down a moment ago."""
        _, at = self.again_at.get(task.id, (0, self.clock.now()))
        return self.clock.now() < at

    async def read(self, task: Task) -> None:
        """Write down what the sessions of a task show. Raises HarnessError and OSError."""
        if self.clock.now() - task.updated_at > TOO_OLD:
            return
        for seen in await asyncio.to_thread(self.shown, task):
            if not await self.blocked(task, seen):
                kept = await asyncio.to_thread(self.keep, task.agent, seen)
                self.tell(task, seen, kept)

    def shown(self, task: Task) -> list[Observation]:
        """What all attempts of a task show, each thing once."""
        steps = [step for path in transcripts(self.home.sessions, task) for step in steps_of(path)]
        outside = [*outside_of(task.payload), *read_before(task, steps)]
        at = task.updated_at.astimezone(self.crew().crontab.zone)  # where its days begin
        return observations(steps, task.id, at, outside)

    async def blocked(self, task: Task, seen: Observation) -> bool:
        """Whether a hook of the person's does not want this to be noted."""
        facts = {
            **{"agent": task.agent, "task": task.id, "attempt": task.attempt},
            "arguments": {"summary": seen.summary, "pattern_key": seen.key, "rule": seen.fix},
        }
        verdict = await self.hooks().fire(HookEvent.LEARNING, facts)
        if verdict.blocked:
            log.info("a hook kept a lesson out", task=task.id, key=seen.key, reason=verdict.reason)
        return verdict.blocked

    def keep(self, agent: str, seen: Observation) -> Kept:
        similar = self.crew().settings.memory.similar
        return Book(self.home, agent, self.audit.audit.redactor, similar).record(seen)

    def tell(self, task: Task, seen: Observation, kept: Kept) -> None:
        if not (kept.new or kept.counted):
            return
        facts = {"task": task.id, "key": seen.key, "source": str(seen.source), "new": kept.new}
        self.audit.record(f"agent:{task.agent}", RECORDED, kept.id, facts)
        log.info("learned", agent=task.agent, entry=kept.id, **facts)


def read_before(task: Task, steps: Sequence[Step]) -> list[str]:
    """The strangers whom the task had read by its end and no step names: their words stood in the
    prompt, such as in a marked MEMORY.md."""
    named = sources_in(steps)
    return [
        source for source in (task.result.outside if task.result else ()) if source not in named
    ]


def transcripts(folder: Path, task: Task) -> list[Path]:
    """The transcripts of a task that are there, oldest attempt first."""
    paths = (folder / f"{task.id}-{attempt}.jsonl" for attempt in range(1, task.attempt + 1))
    return [path for path in paths if path.is_file()]


def steps_of(path: Path) -> Iterable[Step]:
    """The steps of a transcript; none of one that cannot be read."""
    try:
        return read_transcript(path).steps
    except (HarnessError, OSError) as error:
        log.warning("a transcript cannot be read", path=path.name, reason=str(error))
        return ()
