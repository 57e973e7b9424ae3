"""Prefetch: the model of the next due job is loaded before its slot, while nobody needs the GPU."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.priority import Priority
from harness.models.ollama_host import full_name
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Wish
from harness.models.pool.view import Spec
from harness.models.port import Asker
from harness.services.waiting import unless

LOOK_SECONDS = 15.0


class Prefetch:
    """Tells the pool what the schedule will want, and has what is due soon loaded.

    A server that was not seen to answer is left alone: the lookout asks it anyway.
    """

    def __init__(
        self,
        due: Callable[[], Mapping[str, datetime]],
        crew: Callable[[], Crew],
        pool: Callable[[], Pool],
        is_up: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """`due`: the next slot of each job; `is_up`: whether the models' server answered last."""
        self.due = due
        self.crew = crew
        self.pool = pool
        self.is_up = is_up
        self.clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until asked to stop."""
        while not stop.is_set():
            await self.look()
            await unless(stop, self.clock.sleep(LOOK_SECONDS))

    async def look(self) -> None:
        """Tell what is due when, and begin at most one load, of what is due soonest."""
        soonest = sorted(self.soonest().items(), key=lambda each: each[1])
        self.pool().expect({wish.spec: when for wish, when in soonest})
        now, ahead = self.clock.now(), self.crew().settings.models.pool.prefetch
        for wish, when in soonest if self.is_up() else []:
            if now < when < now + ahead and await self.pool().prefetch(wish, when):
                return

    def soonest(self) -> dict[Wish, datetime]:
        """When each model is due next, by the jobs whose agents are asked by an Ollama server."""
        crew, found = self.crew(), dict[Wish, datetime]()
        for job, when in self.due().items():
            wish = wish_of(crew, job)
            if wish is not None:
                found[wish] = min(when, found.get(wish, when))
        return found


def wish_of(crew: Crew, job: str) -> Wish | None:
    """The model that answers for a job; None where it is none of the pool's."""
    line = crew.crontab.jobs.get(job)
    if line is None or line.line.work or line.agent not in crew.profiles:
        return None
    models = crew.settings.models
    profile = models.profiles.get(crew.profiles[line.agent].front.model or models.default)
    if profile is None or profile.provider != "ollama":
        return None
    return Wish(
        Spec(full_name(profile.model), profile.num_ctx),
        None if profile.host is None else frozenset({profile.host}),
        Asker(line.agent, priority=Priority.P2, purpose="prefetch"),
        keep_alive=profile.keep_alive,
    )
