"""What a hook answers: go on, go on with a warning, or do not."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.hooks import HookEvent


class Block(Exception):
    """Raised by a Python hook: the event may not happen, and why."""


@dataclass(frozen=True)
class Verdict:
    """What became of asking. Not blocked: the event happens."""

    blocked: bool = False
    reason: str = ""  # of a block, for the model or whoever caused the event
    warnings: tuple[str, ...] = ()  # for a person


@dataclass(frozen=True)
class Call:
    """An event as the hooks get it."""

    event: HookEvent
    payload: str  # the facts as JSON, without secrets


PASSED = Verdict()


def blocked(reason: str) -> Verdict:
    return Verdict(blocked=True, reason=reason.strip() or "a hook refused, and gave no reason")


def warned(message: str) -> Verdict:
    return Verdict(warnings=(message,))
