"""Whose memory a command means: one agent's, or that of whoever has what is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from harness.clock import SystemClock
from harness.config.crontab import read_crontab
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.profile import profile_files
from harness.errors import HarnessError, NotFound, UsageError
from harness.ids import Ids
from harness.memory.rules.longterm import LongTerm
from harness.text.secrets import Redactor

Found = TypeVar("Found")


def known_agents(home: Home) -> set[str]:
    """Everybody with a profile, and who left a memory behind."""
    folders = (path for path in (home.root / "memory").glob("[!.]*") if path.is_dir())
    return {name for name, _ in profile_files(home)} | {path.name for path in folders}


def check_agent(home: Home, name: str) -> None:
    """Raises NotFound for a name that has neither a profile nor a memory."""
    known = known_agents(home)
    if name not in known:
        hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
        raise NotFound(f"unknown agent `{name}`", hint=hint)


def chosen(home: Home, agent: str | None) -> list[str]:
    """The one agent, or all, by name. Raises NotFound."""
    if agent is None:
        return sorted(known_agents(home))
    check_agent(home, agent)
    return [agent]


def now_in(home: Home) -> datetime:
    """The time in the crew's zone, whose days are those of a rule; in the machine's own where the
    schedule cannot be read."""
    try:
        zone = read_crontab(home.cron_file).zone
    except HarnessError:
        zone = None
    return SystemClock().now().astimezone(zone)


def longterm(home: Home, agent: str) -> LongTerm:
    return LongTerm(home, agent, Ids(SystemClock()), Redactor.knowing(os.environ))


def whoever(
    home: Home,
    agent: str | None,
    wanted: str,
    look: Callable[[LongTerm], Found],
    hint: str = "see: harness memory learnings",
) -> tuple[LongTerm, Found]:
    """The memory in which `look` finds what is wanted, and that. Raises NotFound, with `hint` when
    nobody has it; UsageError when several agents have one of that name."""
    found: list[tuple[LongTerm, Found]] = []
    missing: NotFound | None = None
    for name in chosen(home, agent):
        memory = longterm(home, name)
        try:
            found.append((memory, look(memory)))
        except NotFound as error:
            missing = error
    if len(found) > 1:
        names = ", ".join(memory.agent for memory, _ in found)
        raise UsageError(f"{names} each have {wanted}", hint="say whose it is with --agent")
    if found:
        return found[0]
    if agent is not None and missing is not None:
        raise missing
    raise NotFound(f"nobody's memory has {wanted}", hint=hint)
