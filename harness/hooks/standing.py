"""How the hooks of the file stand to those that the daemon has in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.config.home import Home
from harness.config.hooks import Hook
from harness.hooks.hooks import command_of


class Standing(StrEnum):
    """Whether a hook is asked."""

    IN_FORCE = "in force"  # as it stands in the file
    WAITING = "waiting for reload"  # in the file, and not in force
    DROPPED = "in force until reload"  # not in the file any more
    CHANGED = "program changed"  # not run, and what it would be asked about is blocked
    BROKEN = "cannot be asked"  # each of its events warns
    IDLE = "crew not running"  # taken up at the next start


@dataclass(frozen=True)
class Stand:
    """One hook and how it stands."""

    label: str
    on: tuple[str, ...]
    standing: Standing
    hook: Hook | None = None  # None: it is not in the file
    trouble: str | None = None


Told = Sequence[Mapping[str, Any]]  # `Hooks.facts`, as the daemon wrote them


def standings(
    hooks: Sequence[Hook], home: Home, environment: Mapping[str, str], told: Told | None
) -> list[Stand]:
    """Each hook of the file, then those that are in force without being there.

    `told` is what the daemon says it has in force, None when there is no daemon.
    """
    if told is None:
        return [stand(hook, Standing.IDLE) for hook in hooks]
    known = {each.get("id"): each for each in told}
    here = [stand_of(hook, home, environment, known.get(hook.id)) for hook in hooks]
    return [*here, *dropped(known, {hook.id for hook in hooks})]


def stand_of(
    hook: Hook, home: Home, environment: Mapping[str, str], told: Mapping[str, Any] | None
) -> Stand:
    if told is None:
        return stand(hook, Standing.WAITING)
    if told.get("trouble"):
        return stand(hook, Standing.BROKEN, str(told["trouble"]))
    if hook.command is not None:
        seal = command_of(hook.command, hook, home, environment).seal
        if seal.digest != told.get("seal"):
            return stand(hook, Standing.CHANGED)
    return stand(hook, Standing.IN_FORCE)


def stand(hook: Hook, standing: Standing, trouble: str | None = None) -> Stand:
    return Stand(hook.label, tuple(hook.on), standing, hook, trouble)


def dropped(known: Mapping[Any, Mapping[str, Any]], here: set[str]) -> Iterator[Stand]:
    for name, each in known.items():
        if name not in here:
            yield Stand(str(each.get("hook")), tuple(each.get("on") or ()), Standing.DROPPED)
