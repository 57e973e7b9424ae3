"""The hooks that are in force: frozen once, asked at each event, in the order of the file.

What is frozen is what a person looked at: the entries, the environment of their programs, and
what their files in the home held. Only another `freeze` changes it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from harness.children import child_environment
from harness.clock import Clock, SystemClock, stamp
from harness.config.home import Home
from harness.config.hooks import Hook, HookEvent, program_of
from harness.hooks.command import Command
from harness.hooks.function import Function, Unloadable, load
from harness.hooks.post import Post
from harness.hooks.seal import Seal
from harness.hooks.verdict import PASSED, Call, Verdict, warned
from harness.text.invisible import visible
from harness.text.secrets import Redactor

log = structlog.get_logger("hooks")

LONGEST_REASON = 500  # characters


class Asked(Protocol):
    """Something that answers for an event. Cancelling ends it."""

    async def ask(self, call: Call) -> Verdict: ...


@dataclass(frozen=True)
class Broken:
    """Stands for a hook that cannot be asked."""

    why: str

    async def ask(self, call: Call) -> Verdict:
        return warned(self.why)


@dataclass(frozen=True)
class Frozen:
    """One hook as it was when it was frozen."""

    hook: Hook
    asked: Asked

    @property
    def facts(self) -> dict[str, object]:
        """What the daemon tells others of it."""
        asked = self.asked
        return {
            "id": self.hook.id,
            "hook": self.hook.label,
            "on": [event.value for event in self.hook.on],
            "seal": asked.seal.digest if isinstance(asked, Command) else None,
            "trouble": asked.why if isinstance(asked, Broken) else None,
        }


class Hooks:
    """Asks whoever listens."""

    def __init__(self, frozen: Sequence[Frozen], redactor: Redactor, clock: Clock) -> None:
        self.frozen = tuple(frozen)
        self.redactor = redactor
        self.clock = clock
        self.at = clock.now()
        self.listening = {event: [f for f in frozen if event in f.hook.on] for event in HookEvent}

    @classmethod
    def none(cls) -> Hooks:
        """Nobody listens."""
        return cls((), Redactor(), SystemClock())

    @classmethod
    def freeze(
        cls,
        hooks: Sequence[Hook],
        home: Home,
        environment: Mapping[str, str],
        redactor: Redactor,
        clock: Clock,
    ) -> Hooks:
        """Take the hooks up as they are now: reads their files, imports their modules.

        One that cannot be loaded stays in, and warns whenever it should be asked.
        """
        frozen = [Frozen(hook, take_up(hook, home, environment)) for hook in hooks]
        for each in frozen:
            if isinstance(each.asked, Broken):
                log.error("a hook cannot be used", hook=each.hook.label, reason=each.asked.why)
        return cls(frozen, redactor, clock)

    @property
    def facts(self) -> list[dict[str, object]]:
        """What is in force, for those who ask the daemon."""
        return [each.facts for each in self.frozen]

    def differ(self, hooks: Sequence[Hook]) -> bool:
        """Whether these are others than those in force."""
        return list(hooks) != [each.hook for each in self.frozen]

    def listens(self, event: HookEvent) -> bool:
        """Whether anybody may want to know; False costs nothing to learn."""
        return bool(self.listening[event])

    async def fire(self, event: HookEvent, facts: Mapping[str, Any]) -> Verdict:
        """Ask every hook that the event is about, one after the other, up to the first block.

        `facts` are what the payload holds besides `event` and `at`: JSON-like values, with
        `agent`, `task` and `attempt` where there are any, `tool` of a call. Never raises; an
        event that is over is never blocked, and the reason becomes a warning.
        """
        meant = [each for each in self.listening[event] if each.hook.is_about(facts)]
        if not meant:
            return PASSED
        call = Call(event, self.payload(event, facts))
        warnings: tuple[str, ...] = ()
        for each in meant:
            verdict = self.told(each, event, await ask(each, call))
            warnings += verdict.warnings
            if verdict.blocked:
                return replace(verdict, warnings=warnings)
        return Verdict(warnings=warnings)

    def payload(self, event: HookEvent, facts: Mapping[str, Any]) -> str:
        whole = {"event": event.value, "at": stamp(self.clock.now()), **self.redactor.value(facts)}
        return json.dumps(whole, default=str)

    def told(self, each: Frozen, event: HookEvent, verdict: Verdict) -> Verdict:
        """The verdict in words that may be read, logged if it is not the usual one."""
        label, reason = each.hook.label, self.clean(verdict.reason)
        warnings = verdict.warnings
        if verdict.blocked and not event.can_block:
            warnings = (*warnings, f"it cannot block {event}: {reason}")
        told = tuple(f"hook {label}: {self.clean(warning)}" for warning in warnings)
        for warning in told:
            log.warning(warning, on=event.value)
        if not verdict.blocked or not event.can_block:
            return Verdict(warnings=told)
        log.info("a hook blocks", hook=label, on=event.value, reason=reason)
        return Verdict(blocked=True, reason=reason, warnings=told)

    def clean(self, text: str) -> str:
        """Without invisible characters and secrets, and not too long."""
        plain = self.redactor.text(visible(text)).strip()
        return plain if len(plain) <= LONGEST_REASON else plain[: LONGEST_REASON - 1] + "…"


async def ask(each: Frozen, call: Call) -> Verdict:
    seconds = each.hook.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            return await each.asked.ask(call)
    except TimeoutError:
        return warned(f"it gave no answer within {seconds:g} s")
    except Exception as error:  # the boundary: a hook may fail in any way
        return warned(f"it failed: {type(error).__name__}: {error}")


def take_up(hook: Hook, home: Home, environment: Mapping[str, str]) -> Asked:
    if hook.command is not None:
        return command_of(hook.command, hook, home, environment)
    if hook.url is not None:
        return Post.to(hook.url)
    try:
        return Function(load(hook.python or ""))
    except Unloadable as error:
        return Broken(str(error))


def command_of(
    words: Sequence[str], hook: Hook, home: Home, environment: Mapping[str, str]
) -> Command:
    root = home.root.absolute()
    argv = (str(program_of(words, root, environment.get("PATH"))), *words[1:])
    variables = {**child_environment(environment, *hook.env), "HARNESS_HOME": str(root)}
    return Command(argv, root, variables, Seal.of(argv, root))
