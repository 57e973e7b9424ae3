"""What the checks look at: one home on one machine, each part of it read once."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from harness.bus.reader import Reader
from harness.clock import SystemClock
from harness.config.crew import Crew, read_crew
from harness.config.crontab import Crontab
from harness.config.home import Home
from harness.config.settings import ModelProfile, read_settings
from harness.db.integrity import Damaged, fault_of
from harness.errors import ConfigError, HarnessError
from harness.models.glance import Server, ask
from harness.models.profiles import Models, Way
from harness.services.lock import holder
from harness.tools.catalogue import KNOWN

NO_SCHEDULE = Crontab(ZoneInfo("UTC"))  # stands in for one that does not parse


class Unseen(Exception):
    """A check cannot look, because what it looks at is broken; another check tells of that."""


def free_bytes(folder: Path) -> int:
    """What the disk of a folder has left for us."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Machine:
    """What the machine says of itself."""

    python: tuple[int, ...] = tuple(sys.version_info[:3])
    sqlite: tuple[int, ...] = sqlite3.sqlite_version_info
    free: Callable[[Path], int] = free_bytes
    proc: Path = Path("/proc")


@dataclass(frozen=True)
class Use:
    """A model profile that somebody in the crew may be answered by."""

    name: str
    profile: ModelProfile
    urls: tuple[str, ...]  # of the Ollama hosts that may serve it


@dataclass(frozen=True)
class Patient:
    """One home at one moment. What was read is kept: look again with a new one."""

    home: Home
    now: datetime
    environment: Mapping[str, str]
    machine: Machine = field(default_factory=Machine)

    @cached_property
    def daemon(self) -> Mapping[str, Any] | None:
        """What the daemon says of itself; None when none holds the home."""
        return holder(self.home)

    @cached_property
    def files(self) -> Crew | ConfigError:
        """All that the files say, or why they say nothing.

        A schedule that does not parse hides neither the agents nor the models.
        """
        try:
            settings = read_settings(self.home.settings_file, self.environment)
            last = Crew(settings, NO_SCHEDULE, {}, {})
        except ConfigError:
            last = None  # told below, together with what else is wrong
        try:
            return read_crew(self.home, KNOWN, last=last, environment=self.environment)
        except ConfigError as error:
            return error

    @property
    def crew(self) -> Crew:
        """The crew. Raises Unseen when the files are too broken for one."""
        if isinstance(self.files, ConfigError):
            raise Unseen("the files of the home cannot be read")
        return self.files

    @property
    def crontab(self) -> Crontab:
        """The schedule. Raises Unseen when it does not parse."""
        if self.crew.crontab is NO_SCHEDULE:
            raise Unseen("cron.yaml cannot be read")
        return self.crew.crontab

    @cached_property
    def database_fault(self) -> HarnessError | None:
        """Why the database cannot be used; None also when there is none yet."""
        path = self.home.database
        try:
            if path.exists() and (fault := fault_of(path)):
                return Damaged(f"{path} is damaged: {fault}")
            Reader(path).close()
        except HarnessError as error:
            return error
        return None

    def reader(self) -> Reader:
        """The database, open to be read. Raises Unseen when it cannot be."""
        if self.database_fault is not None:
            raise Unseen("the database cannot be read")
        return Reader(self.home.database)

    @cached_property
    def chains(self) -> Sequence[Sequence[Use]]:
        """For each model that the crew asks for, the profiles that may answer, best first.

        Raises Unseen.
        """
        settings = self.crew.settings.models
        asked = {profile.front.model or settings.default for profile in self.crew.profiles.values()}
        return [
            [self._use(name) for name in settings.chain(wanted)]
            for wanted in sorted(asked | {settings.default})
        ]

    def _use(self, name: str) -> Use:
        settings = self.crew.settings.models
        profile = settings.profiles[name]
        return Use(name, profile, tuple(host.url for host in settings.hosts_of(profile)))

    @property
    def uses(self) -> Sequence[Use]:
        """Every profile of the chains once. Raises Unseen."""
        return list({use.name: use for chain in self.chains for use in chain}.values())

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """Each Ollama server that the crew may ask, by its address. Raises Unseen."""
        urls = dict.fromkeys(url for use in self.uses for url in use.urls)
        return {url: ask(url) for url in urls}

    @cached_property
    def endpoints(self) -> Mapping[str, str | None]:
        """Each profile of an OpenAI-compatible server, with the reason why it cannot be asked,
        if there is one. Raises Unseen."""
        profiles = {use.name: use.profile for use in self.uses if use.profile.provider == "openai"}
        return asyncio.run(self._probe(profiles)) if profiles else {}

    async def _probe(self, profiles: Mapping[str, ModelProfile]) -> Mapping[str, str | None]:
        settings = self.crew.settings
        way = Way(self.environment, settings.network.proxy)
        models = Models(settings.models, SystemClock(), self.home.root, way=way)
        try:
            asked = [models.link(name).model.probe() for name in profiles]
            return dict(zip(profiles, await asyncio.gather(*asked), strict=True))
        finally:
            await models.aclose()
