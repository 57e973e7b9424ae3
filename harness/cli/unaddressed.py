"""A request that names nobody, as commands treat it: decided at once where rules can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.bus.port import Task
from harness.bus.routed import LANE, Decision, decided
from harness.cli.output import note
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.profile import Profile, profile_files, read_profile
from harness.config.settings import RouterSettings
from harness.errors import ConfigError, NotFound, UsageError
from harness.services.routes import Routes
from harness.text.addressing import addressed, only_addressed


def whose(home: Home, router: RouterSettings, text: str) -> Decision | None:
    """Whose a request is, as far as rules tell; the crew finds out the rest. Raises NotFound in a
    home without agents, UsageError for a text that is nothing but the name of one."""
    files = dict(profile_files(home))
    if not files:
        raise NotFound("there is no agent in this home", hint="make one: harness agents new NAME")
    if (name := only_addressed(text)) in files:
        raise UsageError(
            f"what {name} should do is missing", hint=f'say it too: harness send {name} "TEXT"'
        )
    doubt_name(text, files)
    return Routes.of(router, readable(files), files).decide(text)


def doubt_name(text: str, agents: Iterable[str]) -> None:
    """Say of a name that nobody has and that is nearly somebody's that it counts for nothing."""
    name = addressed(text)
    if name is not None and name not in agents and (near := did_you_mean(name, agents)):
        note(f"no agent is called `{name}`; {near}")


def readable(files: Mapping[str, Path]) -> list[Profile]:
    """The profiles, or none at all when one cannot be read: its words might weigh more."""
    try:
        return [read_profile(path, name) for name, path in files.items()]
    except ConfigError:
        return []


def tell_decision(task: Task) -> None:
    """Say who got a request that named nobody, and why, or who will find out."""
    if task.agent == LANE:
        note(f"task {task.id} names nobody: the router finds out whose it is")
    elif decision := decided(task.agent, task.payload):
        note(f"task {task.id} went {decision.told}")
