"""What a session may do: its tools, the gate before them, the hooks round them, the book."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
from harness.audit.book import AuditBook
from harness.bus.handed import handed_in
from harness.bus.outside import PRIVATE, outside_of
from harness.bus.port import Task
from harness.bus.sqlite import SqliteBus
from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.home import Home
from harness.config.hooks import HookEvent
from harness.config.profile import Profile
from harness.hooks.hooks import Hooks
from harness.memory.search.index import Index
from harness.network.web import Web
from harness.permission.action import Action
from harness.permission.places import Places
from harness.permission.policy import Policy, read_by_name
from harness.permission.taint import Taint
from harness.rooted import Root
from harness.services.auditor import CallRecords
from harness.text.marks import sources_of
from harness.tools.catalogue import all_tools
from harness.tools.context import ToolContext
from harness.tools.gate import Asking, Gate
from harness.tools.tool import Tool, ToolResult
from harness.tools.toolbox import Blocked, Toolbox

LEARN = "learn"  # the tool that writes lessons


class Equipment:
    """What all sessions of a home share; gives each its own toolbox."""

    def __init__(
        self,
        home: Home,
        bus: SqliteBus,
        clock: Clock,
        web: Web,
        audit: AuditBook,
        index: Index | None = None,
    ) -> None:
        self.home = home
        self.bus = bus
        self.clock = clock
        self.web = web
        self.audit = audit
        self.index = index

    def toolbox(
        self,
        crew: Crew,
        profile: Profile,
        task: Task,
        hooks: Hooks,
        *,
        private: str,
        spill: str,
        max_chars: int,
    ) -> Toolbox:
        """`private`: what of the prompt is nobody else's business; `spill`: the name of the
        folder for results of more than `max_chars` characters."""
        taint = taint_of(task, private)
        context = ToolContext(
            agent=task.agent,
            task=task,
            home=self.home,
            clock=self.clock,
            bus=self.bus,
            web=self.web,
            agents=frozenset(crew.profiles),
            spill=self.home.sessions / spill,
            workspace=Root(self.home.root),
            places=Places(task.agent, runtime=runtime_in(self.home)),
            taint=taint,
            skills={skill.name: skill for skill in crew.skills[profile.name]},
            redactor=self.audit.audit.redactor,
            by_name=read_by_name((crew.settings.permissions, profile.front.rules)),
            zone=crew.crontab.zone,
            similar=crew.settings.memory.similar,
            index=self.index,
        )
        return Toolbox(
            tools_of(profile, has_skills=bool(context.skills)),
            context,
            self.gate(crew, profile, task, context),
            watchers=CallHooks(hooks, task),
            record=CallRecords(self.audit, task),
            max_chars=max_chars,
        )

    def gate(self, crew: Crew, profile: Profile, task: Task, context: ToolContext) -> Gate:
        permissions = crew.settings.permissions
        rules = (permissions, profile.front.rules)
        return Gate(
            Policy.of(profile.front.permission, context.places, rules),
            context.taint,
            self.bus,
            task,
            self.clock,
            asking=Asking(
                attended=permissions.unattended == "ask",
                patience=permissions.patience,
                deliver=crew.settings.delivery.default,
            ),
            redactor=self.audit.audit.redactor,
        )


def runtime_in(home: Home) -> tuple[str, ...]:
    """Where in the home this very program lies: a home may be the checkout of it."""
    root = home.root.resolve()
    places = (Path(harness.__file__).parent, Path(sys.prefix))
    within = (place.resolve() for place in places if place.resolve().is_relative_to(root))
    return tuple(place.relative_to(root).as_posix() for place in within if place != root)


def taint_of(task: Task, private: str) -> Taint:
    """What a session knows before its first turn: its task, and what of its prompt is private.

    Words that an agent asked with after reading a stranger's may not go out, nor what an agent
    answers from the house's own; the addresses in them are known ones, for requests and answers
    are written without others.
    """
    outside = outside_of(task.payload)
    taint = Taint([*outside, *sources_of(private)])
    if task.payload.get(PRIVATE):
        taint.read_private(task.prompt)
        taint.read_addresses(task.prompt)
    elif outside:
        taint.read_addresses(task.prompt)
    else:
        taint.read_open(task.prompt)
    for handed in handed_in(task.payload):
        taint.read_addresses(handed.text)
        if not handed.outside or handed.private:
            taint.read_private(handed.text)
    taint.read_private(private)
    return taint


def tools_of(profile: Profile, *, has_skills: bool) -> list[Tool]:
    """Those that a profile grants, and those that come with what it has."""
    granted = {*profile.front.tool_names, "read_result"} | ({"skill"} if has_skills else set())
    return [tool for name, tool in all_tools().items() if name in granted]


class CallHooks:
    """The person's hooks, as the toolbox asks them."""

    def __init__(self, hooks: Hooks, task: Task) -> None:
        self.hooks = hooks
        self.task = task

    async def before(self, action: Action, arguments: Mapping[str, Any]) -> None:
        await self._fire(HookEvent.BEFORE_TOOL, action, {"arguments": dict(arguments)})
        if action.tool == LEARN:
            await self._fire(HookEvent.LEARNING, action, {"arguments": dict(arguments)})

    async def after(self, action: Action, arguments: Mapping[str, Any], result: ToolResult) -> None:
        facts = {"arguments": dict(arguments), "ok": result.ok, "result": result.text}
        await self._fire(HookEvent.AFTER_TOOL, action, facts)

    async def _fire(self, event: HookEvent, action: Action, facts: Mapping[str, Any]) -> None:
        if not self.hooks.listens(event):
            return
        whole = {**about(self.task), "tool": action.tool, "action": touched(action), **facts}
        verdict = await self.hooks.fire(event, whole)
        if verdict.blocked:
            raise Blocked(f"a hook of the person's does not let this through: {verdict.reason}")


def touched(action: Action) -> dict[str, list[str]]:
    """What a call would touch, in the form that is judged: arguments can be spelled in many."""
    commands = action.script.commands if action.script else ()
    return {
        "reads": list(action.reads),
        "writes": list(action.writes),
        "urls": list(action.urls),
        "commands": [" ".join(command.argv) for command in commands],
    }


def about(task: Task) -> dict[str, Any]:
    """The facts that every event of a session has."""
    return {"agent": task.agent, "task": task.id, "attempt": task.attempt}
