"""Opens a session for each task, from the crew's files as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from harness.bus.port import Outcome, Result, Task
from harness.config.crew import Crew
from harness.config.hooks import HookEvent
from harness.config.profile import Profile
from harness.delivery.degraded import with_notice
from harness.errors import NotFound
from harness.hooks.hooks import Hooks
from harness.memory.notes.uses import Uses
from harness.models.asked import AskedBy
from harness.models.chain import FallbackModel
from harness.models.port import CHARS_PER_TOKEN, Asker
from harness.models.profiles import Models
from harness.permission.taint import Taint
from harness.services.hands import Equipment, about
from harness.services.live import Live, Speaker
from harness.session.brief import Brief, Limits
from harness.session.loop import Session
from harness.session.parts import read_parts
from harness.session.past import Past, past_of
from harness.session.prompt import Budget, Parts, Prompt, compose, opening
from harness.session.recall import Recall, Wanted
from harness.session.recalled import NOTHING, Recalled
from harness.session.steps import Compacted, Ended, Reason, Step
from harness.session.transcript import Header, Transcript, record
from harness.text.disarm import disarmed
from harness.text.secrets import Redactor
from harness.text.veil import Curtain, Disarmed, Unsecret, Veil

MEMORY = "memory"  # the tool that searches what recall leaves out
RESULT_SHARE = 0.4  # of the model's context, for one tool result


class Sessions:
    """The dispatcher's answer: a task goes in, a recorded session's end comes out."""

    def __init__(
        self,
        equipment: Equipment,
        crew: Callable[[], Crew],
        models: Callable[[], Models],
        hooks: Callable[[], Hooks],
        live: Live | None = None,
    ) -> None:
        self.equipment = equipment
        self.home, self.clock = equipment.home, equipment.clock
        self.crew = crew
        self.models = models
        self.hooks = hooks
        self.live = live or Live()
        index, uses = equipment.index, Uses(self.home)
        self.recall = Recall(index, self.home.root, uses) if index else None

    async def __call__(self, task: Task, cancel: asyncio.Event) -> Ended:
        """Run one attempt. Raises LeaseLost when the task is taken away meanwhile, NotFound when
        the agent or its model has left the files since the task was taken up."""
        crew, hooks = self.crew(), self.hooks()
        profile, model = who_answers(crew, self.models(), task)
        past = await asyncio.to_thread(past_of, self.home.sessions, task.id, task.attempt)
        budget = Budget.within(model.context_tokens, crew.settings.memory)
        parts = await self.parts(crew, profile, task)
        parts, prompt = await self.prompt(parts, profile, budget, past)
        toolbox = self.equipment.toolbox(
            crew,
            profile,
            task,
            hooks,
            private=parts.private,
            spill=f"{task.id}-{next(iter(past.attempts), task.attempt)}",
            max_chars=int(model.context_tokens * RESULT_SHARE * CHARS_PER_TOKEN),
        )
        taint, redactor = toolbox.gate.taint, self.equipment.audit.audit.redactor
        veil = partial(veil_for, redactor, taint, hooks)
        speaker = self.live.speaker(task.id, task.attempt, redactor, veil)
        session = Session(
            self.brief(crew, profile, task, prompt, past),
            AskedBy(model, asker_of(task)),
            toolbox,
            self.clock,
            notes=partial(self.equipment.bus.take_notes, task, past.attempts),
            cancel=cancel,
            on_delta=speaker.hear,
        )
        header = Header(
            *(task.id, task.agent, task.attempt, model.name),
            resumes=past.last,
            recalled=parts.recalled,
        )
        with speaker:
            ended = await self.run(session, task, header, hooks, taint, speaker)
            speaker.end(ended)
        return ended

    async def run(
        self,
        session: Session,
        task: Task,
        header: Header,
        hooks: Hooks,
        taint: Taint,
        speaker: Speaker,
    ) -> Ended:
        """The session from its first step to its last, with the hooks at both ends."""
        if header.resumes is None:  # one that waited goes on: it began before
            beginning = await hooks.fire(HookEvent.SESSION_START, about(task))
            if beginning.blocked:
                return refused(f"a hook did not let it begin: {beginning.reason}")
        redactor = self.equipment.audit.audit.redactor
        heard = partial(self.heard, task, hooks, speaker)
        with Transcript(self.home.sessions, header, self.clock, redactor) as transcript:
            ended = await record(session, transcript, heard)
        if ended.reason is Reason.WAITING:
            return ended
        ended = replace(ended, result=finished(ended.result, taint))
        return await self.told(task, hooks, ended)

    async def heard(self, task: Task, hooks: Hooks, speaker: Speaker, step: Step) -> None:
        """Tell those who listen of a step, and the hooks of what happens besides the calls."""
        speaker.step(step)
        if isinstance(step, Compacted):
            await hooks.fire(HookEvent.BEFORE_COMPACTION, about(task) | {"kind": step.kind})

    async def told(self, task: Task, hooks: Hooks, ended: Ended) -> Ended:
        """The end, unless a hook holds the answer back."""
        facts = about(task) | {"reason": str(ended.reason), "outcome": str(ended.outcome)}
        if ended.reason is not Reason.CANCELLED:
            verdict = await hooks.fire(HookEvent.FINAL, facts | {"text": ended.result.text})
            if verdict.blocked:
                ended = refused(f"a hook held the answer back: {verdict.reason}", ended.result)
        await hooks.fire(HookEvent.SESSION_END, facts | {"outcome": str(ended.outcome)})
        return ended

    async def parts(self, crew: Crew, profile: Profile, task: Task) -> Parts:
        now = self.clock.now().astimezone(crew.crontab.zone)
        return await asyncio.to_thread(
            read_parts, self.home, profile, crew.skills[profile.name], task, now
        )

    async def prompt(
        self, parts: Parts, profile: Profile, budget: Budget, past: Past
    ) -> tuple[Parts, Prompt]:
        """The parts with what is recalled for the task, and the prompt that they make."""
        prompt = await asyncio.to_thread(compose, parts, budget)
        if past.attempts:
            recalled = past.recalled
        else:
            recalled = await self.recalled(parts, profile, prompt, budget.recall)
        told = opening(parts.ask, budget.handed, recalled.text)
        return replace(parts, recalled=recalled), prompt._replace(opening=told)

    async def recalled(
        self, parts: Parts, profile: Profile, prompt: Prompt, tokens: int
    ) -> Recalled:
        """What of the memory helps with the task, besides what its prompt says already."""
        if self.recall is None:
            return NOTHING
        return await self.recall.find(
            Wanted(
                agent=profile.name,
                task=f"{parts.ask.title}\n{parts.ask.text}",
                known="\n".join(prompt),
                tokens=tokens,
                now=parts.ask.at,
                skills=parts.skills,
                can_search=MEMORY in profile.front.tool_names,
                half_life=self.crew().settings.memory.half_life,
            )
        )

    def brief(self, crew: Crew, profile: Profile, task: Task, prompt: Prompt, past: Past) -> Brief:
        limits = Limits(
            max_turns=profile.front.max_turns or crew.settings.session.max_turns,
            tokens=profile.front.budget or crew.settings.session.budget,
            timeout=task.timeout.total_seconds(),
        )
        return Brief(
            task.id,
            task.agent,
            prompt.system,
            prompt.opening,
            task.attempt,
            limits,
            past=past.steps,
        )


def refused(why: str, result: Result | None = None) -> Ended:
    """The end of a session that a person's hook did not want."""
    empty = replace(result, text="", data=None) if result else Result()
    return Ended(Reason.HOOK, Outcome.REFUSED, empty, why)


def who_answers(crew: Crew, models: Models, task: Task) -> tuple[Profile, FallbackModel]:
    """The agent of a task and its model, as the files are now. Raises NotFound."""
    profile = crew.profiles.get(task.agent)
    if profile is None:
        raise NotFound(f"there is no agent `{task.agent}` in the crew now")
    try:
        return profile, models.get(profile.front.model)
    except KeyError as error:
        raise NotFound(f"the model of `{task.agent}` is nowhere defined: {error}") from None


def veil_for(redactor: Redactor, taint: Taint, hooks: Hooks) -> Veil:
    """What may be shown of an answer while it comes: as little as may leave the house in the end.

    A hook that may hold a final back has not seen it yet, so nothing is shown before it.
    """
    if hooks.listens(HookEvent.FINAL):
        return Curtain()
    veil = Unsecret(redactor)
    return Disarmed(veil, taint.knows) if taint.tainted else veil


def asker_of(task: Task) -> Asker:
    """For whom a session asks its model: whose turn it is, and whose account pays."""
    return Asker(task.agent, task.id, task.priority)


def finished(result: Result, taint: Taint) -> Result:
    """The result as it may leave the house: with the mark of what was read, and with no address
    in it that a reader's program would open and that stood nowhere."""
    if taint.tainted:
        text = disarmed(result.text, taint.knows)
        private = taint.carries(text) is not None
        result = replace(result, text=text, outside=tuple(taint.sources), private=private)
    return replace(result, text=with_notice(result))
