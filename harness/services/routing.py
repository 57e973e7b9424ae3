"""The router: finds out whose a request is that names nobody. It answers nothing itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

import structlog

from harness.bus.port import Outcome, Result, Task
from harness.bus.routed import Decision, How
from harness.clock import Clock
from harness.config.crew import Crew
from harness.config.profile import Profile
from harness.models.port import (
    Asker,
    ChatRequest,
    Message,
    Model,
    ModelError,
    OverLimit,
    Reply,
    Role,
)
from harness.services.routes import Routes
from harness.session.steps import Ended, Reason
from harness.session.stop import Stop
from harness.session.watch import Watch
from harness.session.wording import wording
from harness.text.fence import fenced
from harness.text.invisible import visible
from harness.text.words import clip

log = structlog.get_logger("router")

AT_A_TIME = 4  # requests that are decided side by side
PURPOSE = "route"  # of its calls, in the ledger
LONGEST_SHOWN = 4_000  # characters of the request, as the model sees it
LONGEST_ABOUT = 400  # characters of what an agent is there for
LONGEST_REPLY = 100  # tokens: an agent's name, and what stands round it
OPEN = "unsure"  # the answer of a model that cannot tell
NO_WORDS = ("extractive/", "none/")  # models that choose nothing


class Doubt(StrEnum):
    """Why a request goes to whoever is asked in doubt."""

    TOLD = "the model was unsure"
    STRANGE = "the answer was none of the choices"
    LATE = "no answer in time"
    LIMIT = "over a limit"
    FAILED = "the model failed"
    ALONE = "no language model"


class Router:
    """The dispatcher's answer to tasks in the lane of nobody."""

    def __init__(self, crew: Callable[[], Crew], model: Callable[[], Model], clock: Clock) -> None:
        self.crew = crew
        self.model = model
        self.clock = clock

    async def __call__(self, task: Task, cancel: asyncio.Event) -> Decision | Ended:
        """Whose the task is; or its end, when it was taken away meanwhile."""
        crew = self.crew()
        routes = routes_of(crew)
        if decision := routes.decide(task.prompt):
            return decision
        async with Watch(self.clock, cancel) as watch:
            watch.allow(crew.settings.router.timeout.total_seconds())
            try:
                return await self.chosen(task, crew.profiles, routes.unsure, watch)
            except Stop as stop:
                if stop.reason is Reason.CANCELLED:
                    return Ended(stop.reason, Outcome.CANCELLED, Result(), stop.detail)
                return in_doubt(routes.unsure, Doubt.LATE, stop.detail)

    async def chosen(
        self, task: Task, profiles: Mapping[str, Profile], unsure: str, watch: Watch
    ) -> Decision:
        """What a model says, as far as it is one of the crew. Raises Stop when cut off."""
        model = self.model()
        if model.name.startswith(NO_WORDS) or not profiles:
            return in_doubt(unsure, Doubt.ALONE)
        try:
            reply = await watch.result(model.chat(question(task, profiles)))
        except OverLimit as error:
            return in_doubt(unsure, Doubt.LIMIT, str(error))
        except ModelError as error:
            return in_doubt(unsure, Doubt.FAILED, str(error))
        return judged(reply, profiles, unsure)


def routes_of(crew: Crew) -> Routes:
    everybody = {*crew.profiles, *crew.left_out}
    return Routes.of(crew.settings.router, crew.profiles.values(), everybody)


def question(task: Task, profiles: Mapping[str, Profile]) -> ChatRequest:
    """The request as one of a closed set of choices; its words are material and no orders."""
    shown = fenced("the request", clip(visible(task.prompt), LONGEST_SHOWN))
    text = wording("route", crew="\n".join(map(about, profiles.values())), request=shown)
    return ChatRequest(
        (Message(Role.USER, text),),
        format=choices(profiles),
        temperature=0,
        max_tokens=LONGEST_REPLY,
        asker=Asker(task=task.id, priority=task.priority, purpose=PURPOSE),
    )


def about(profile: Profile) -> str:
    told = " ".join(visible(profile.front.description).split())
    return f"- `{profile.name}`: {clip(told, LONGEST_ABOUT)}"


def choices(names: Collection[str]) -> dict[str, Any]:
    """The JSON schema of the answer."""
    return {
        "type": "object",
        "properties": {"agent": {"type": "string", "enum": [*names, OPEN]}},
        "required": ["agent"],
        "additionalProperties": False,
    }


def judged(reply: Reply, names: Collection[str], unsure: str) -> Decision:
    """What an answer comes to: nothing but one of the names is taken from it."""
    if reply.model.startswith(NO_WORDS):
        return in_doubt(unsure, Doubt.ALONE)
    name = name_in(reply.message.content)
    if name == OPEN:
        return in_doubt(unsure, Doubt.TOLD)
    if name not in names:
        return in_doubt(unsure, Doubt.STRANGE)
    return Decision(name, How.MODEL, reply.model)


def name_in(text: str) -> str:
    """The agent that an answer names; empty for one of another form."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = answer.get("agent") if isinstance(answer, dict) else None
    return name if isinstance(name, str) else ""


def in_doubt(agent: str, doubt: Doubt, detail: str = "") -> Decision:
    log.info("nobody is sure whose it is", agent=agent, reason=str(doubt), detail=detail)
    return Decision(agent, How.UNSURE, doubt.value, clip(detail, 200))
