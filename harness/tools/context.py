"""What a tool may touch: handed in with each call, so that a tool needs nothing global."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bus.port import Bus
from harness.clock import Clock
from harness.config.home import Home
from harness.permission.globs import path_fits
from harness.permission.places import Places
from harness.permission.taint import Taint, address_key, addresses
from harness.rooted import Root
from harness.text.disarm import disarmed
from harness.text.secrets import Redactor

if TYPE_CHECKING:
    from harness.bus.port import Task
    from harness.config.skills import Skill
    from harness.memory.search.index import Index
    from harness.network.web import Web


@dataclass(frozen=True)
class ToolContext:
    """One session's view of the world."""

    agent: str
    task: Task  # the task that this session works on
    home: Home
    clock: Clock
    bus: Bus
    web: Web  # the one guarded HTTP client
    agents: frozenset[str]  # names that `request` may address
    spill: Path  # folder for results that are too long for the prompt
    workspace: Root  # the folder of the tools that read and write files
    places: Places  # where in it the agent may not go
    taint: Taint  # what the session has read so far
    skills: Mapping[str, Skill] = field(default_factory=dict)  # the agent's, by name
    redactor: Redactor = field(default_factory=Redactor)  # for whatever is written down
    by_name: tuple[str, ...] = ()  # patterns of files that no search shows
    zone: tzinfo = UTC  # the crew's: where its days begin
    similar: float = 0.6  # from which share of common words on two lessons are one
    index: Index | None = None  # of what the crew knows; None: the files themselves are looked at

    def keepable(self, text: str, before: str = "") -> str:
        """The text as it may be kept in a file: without secrets, and after reading a stranger's
        words without addresses that stood in nothing. Those of `before`, which it replaces, stay.
        """
        safe = self.redactor.text(text)
        if not self.taint.tainted:
            return safe
        there = addresses(before)
        return disarmed(safe, lambda url: self.taint.knows(url) or address_key(url) in there)

    def made_up(self, url: str) -> bool:
        """Whether an address stood in nothing that a session read which has read a stranger's
        words: what it carries must not travel on."""
        return self.taint.tainted and not self.taint.knows(url)

    def hidden(self, path: str) -> bool:
        """Whether a search leaves out what has that path of the workspace."""
        return self.places.hidden(path) is not None or any(
            path_fits(pattern, path) for pattern in self.by_name
        )
