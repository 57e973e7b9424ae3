"""Housework: a task that the house does itself, chore by chore, instead of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.bus.port import Outcome, Result, Task
from harness.config.crew import Crew
from harness.config.cronfile import Work
from harness.config.hooks import HookEvent
from harness.errors import HarnessError
from harness.hooks.hooks import Hooks
from harness.models.port import Model
from harness.models.profiles import Models
from harness.services.fires import CRON, WORK
from harness.services.hands import about
from harness.services.night.compression import compress
from harness.services.night.gathering import gather
from harness.services.night.purse import Purse
from harness.services.night.reflection import reflect
from harness.services.night.report import About, Report
from harness.services.night.shift import Keeping, Shift
from harness.services.sessions import refused
from harness.session.steps import Ended, Reason
from harness.session.stop import Stop
from harness.session.watch import Watch

Chore = Callable[[Shift], Awaitable[None]]  # done by steps; a second run does no step twice
CHORES: Mapping[Work, Chore] = {
    Work.REFLECT: reflect,
    Work.GATHER: gather,
    Work.COMPRESS: compress,
}


class Housework:
    """The dispatcher's answer to tasks with `work` in their payload."""

    def __init__(
        self,
        keeping: Keeping,
        crew: Callable[[], Crew],
        hooks: Callable[[], Hooks],
        model_of: Callable[[Crew, str], Model | None],
    ) -> None:
        """`model_of` an agent of that crew: None when there is none to ask."""
        self.keeping = keeping
        self.crew = crew
        self.hooks = hooks
        self.model_of = model_of

    async def __call__(self, task: Task, cancel: asyncio.Event) -> Ended:
        """Do the chores of the task in their order; the answer is the report for a person, empty
        when there is nothing to tell."""
        crew, hooks = self.crew(), self.hooks()
        async with Watch(self.keeping.clock, cancel) as watch:
            watch.allow(task.timeout.total_seconds())
            shift = Shift(
                self.keeping,
                task,
                crew,
                partial(self.model_of, crew),
                hooks,
                watch,
                Purse(crew.settings.memory.reflection),
                Report(asked=task.sender != CRON),
            )
            return await told(task, hooks, await self.done(shift))

    async def done(self, shift: Shift) -> Ended:
        """The end of the run, cut off or not."""
        try:
            for work in works_of(shift.task):
                await CHORES[work](replace(shift, purpose=str(work)))
        except Stop as stop:
            return ended(shift, stop)
        except HarnessError as error:
            return Ended(Reason.COMPLETED, Outcome.FAILED, result_of(shift), str(error))
        outcome = Outcome.DONE if shift.report.whole else Outcome.PARTIAL
        return Ended(Reason.COMPLETED, outcome, result_of(shift))


def works_of(task: Task) -> list[Work]:
    """What a task asks the house to do. Raises HarnessError for what this version cannot."""
    try:
        return [Work(each) for each in task.payload[WORK]]
    except ValueError as error:
        known = ", ".join(Work)
        raise HarnessError(f"task {task.id}: {error}", hint=f"known: {known}") from None


def model_of(models: Models, crew: Crew, agent: str) -> Model | None:
    """The model that words an agent's rules: `models.small`, else the one of its profile."""
    profile = crew.profiles.get(agent)
    try:
        return models.get(crew.settings.models.small or profile.front.model) if profile else None
    except KeyError:  # nowhere defined just now: rules can be worded without it
        return None


def result_of(shift: Shift) -> Result:
    return shift.purse.result(shift.report.text)


def ended(shift: Shift, stop: Stop) -> Ended:
    """The end of a run that was cut off; what it did stays done, and the next goes on."""
    if stop.reason is Reason.CANCELLED:
        return Ended(stop.reason, Outcome.CANCELLED, result_of(shift), stop.detail)
    shift.report.tell(About.TROUBLE, f"the work was cut off: {stop.detail}; the next run goes on")
    return Ended(stop.reason, Outcome.PARTIAL, result_of(shift), stop.detail)


async def told(task: Task, hooks: Hooks, end: Ended) -> Ended:
    """The end, unless a hook holds the report back."""
    if end.reason is Reason.CANCELLED:
        return end
    facts: dict[str, Any] = about(task) | {
        "reason": str(end.reason),
        "outcome": str(end.outcome),
        "text": end.result.text,
    }
    verdict = await hooks.fire(HookEvent.FINAL, facts)
    if verdict.blocked:
        return refused(f"a hook held the answer back: {verdict.reason}", end.result)
    return end
