"""Opens a session for each task, from the crew's files as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from harness.audit.book import AuditBook
from harness.bus.port import Task
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.home import Home
from harness.config.profile import Profile
from harness.delivery.degraded import with_notice
from harness.errors import NotFound
from harness.models.chain import FallbackModel
from harness.models.port import CHARS_PER_TOKEN, Model
from harness.models.profiles import Models
from harness.services.auditor import CallRecords
from harness.session.brief import Brief, Limits
from harness.session.loop import Session
from harness.session.parts import read_parts
from harness.session.prompt import Budget, compose
from harness.session.steps import Ended
from harness.session.transcript import Header, Transcript, record
from harness.tools.catalogue import all_tools
from harness.tools.context import ToolContext
from harness.tools.toolbox import Toolbox
from harness.tools.web import Web

RESULT_SHARE = 0.4  # of the model's context, for one tool result


class Sessions:
    """The dispatcher's answer: a task goes in, a recorded session's end comes out."""

    def __init__(
        self,
        home: Home,
        bus: SqliteBus,
        clock: Clock,
        web: Web,
        audit: AuditBook,
        crew: Callable[[], Crew],
        models: Callable[[], Models],
    ) -> None:
        self.home = home
        self.bus = bus
        self.clock = clock
        self.web = web
        self.audit = audit
        self.crew = crew
        self.models = models

    async def __call__(self, task: Task, cancel: asyncio.Event) -> Ended:
        """Run one attempt. Raises LeaseLost when the task is taken away meanwhile, NotFound when
        the agent or its model has left the files since the task was taken up."""
        crew = self.crew()
        profile, model = who_answers(crew, self.models(), task)
        session = Session(
            await self.brief(crew, profile, task, model),
            model,
            self.toolbox(crew, profile, task, model),
            self.clock,
            notes=partial(self.bus.take_notes, task),
            cancel=cancel,
        )
        header = Header(task.id, task.agent, task.attempt, model.name)
        redactor, folder = self.audit.audit.redactor, self.home.sessions
        with (
            CallRecords(self.audit, task) as calls,
            Transcript(folder, header, self.clock, redactor) as transcript,
        ):
            ended = await record(session, transcript, calls.hear)
        return replace(ended, result=replace(ended.result, text=with_notice(ended.result)))

    async def brief(self, crew: Crew, profile: Profile, task: Task, model: Model) -> Brief:
        now = self.clock.now().astimezone(crew.crontab.zone)
        parts = await asyncio.to_thread(
            read_parts, self.home, profile, crew.skills[profile.name], task, now
        )
        prompt = compose(parts, Budget.within(model.context_tokens))
        limits = Limits(
            max_turns=profile.front.max_turns or crew.settings.session.max_turns,
            tokens=profile.front.budget or crew.settings.session.budget,
            timeout=task.timeout.total_seconds(),
        )
        return Brief(task.id, task.agent, prompt.system, prompt.opening, task.attempt, limits)

    def toolbox(self, crew: Crew, profile: Profile, task: Task, model: Model) -> Toolbox:
        skills = {skill.name: skill for skill in crew.skills[profile.name]}
        granted = {*profile.front.tools, "read_result"} | ({"skill"} if skills else set())
        tools = [tool for name, tool in all_tools().items() if name in granted]
        context = ToolContext(
            agent=task.agent,
            task=task,
            home=self.home,
            clock=self.clock,
            bus=self.bus,
            web=self.web,
            agents=frozenset(crew.profiles),
            spill=self.home.sessions / f"{task.id}-{task.attempt}",
            skills=skills,
        )
        room = int(model.context_tokens * RESULT_SHARE * CHARS_PER_TOKEN)
        return Toolbox(tools, context, max_chars=room)


def who_answers(crew: Crew, models: Models, task: Task) -> tuple[Profile, FallbackModel]:
    """The agent of a task and its model, as the files are now. Raises NotFound."""
    profile = crew.profiles.get(task.agent)
    if profile is None:
        raise NotFound(f"there is no agent `{task.agent}` in the crew now")
    try:
        return profile, models.get(profile.front.model)
    except KeyError as error:
        raise NotFound(f"the model of `{task.agent}` is nowhere defined: {error}") from None
