"""All that the files of a home say, read together, each part kept while it was last good."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

from harness.config.crontab import Crontab, read_crontab
from harness.config.home import Home
from harness.config.profile import Profile, dangling, profile_files, read_profile
from harness.config.settings import Settings, not_yet, read_settings
from harness.config.skills import Skill, read_skill, skill_files, skills_of
from harness.config.sources import read_sources
from harness.errors import ConfigError, Problem

Part = TypeVar("Part")


@dataclass(frozen=True)
class Crew:
    """One consistent reading of a home, and what is wrong with the files on disk.

    A file of `problems` that did not parse is not in force; its last good version is.
    """

    settings: Settings
    crontab: Crontab
    profiles: Mapping[str, Profile]
    skills: Mapping[str, Sequence[Skill]]  # of each agent
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Reading:
    """The faults met while one Crew is read."""

    problems: list[Problem] = field(default_factory=list)

    def attempt(self, read: Callable[[], Part], last: Part | None) -> Part | None:
        """What `read` gives; when it does not parse, its problems are kept and `last` stays."""
        try:
            return read()
        except ConfigError as error:
            self.problems += error.problems
            return last


def read_crew(
    home: Home,
    tools: frozenset[str],
    *,
    last: Crew | None = None,
    environment: Mapping[str, str] | None = None,
) -> Crew:
    """Read every file of `home`, keeping what `last` had for each one that does not parse.

    An agent whose file is bad is left out of a first reading: the others start. Raises
    ConfigError when there is no good version of the settings or of the schedule.
    """
    reading = Reading()
    variables = os.environ if environment is None else environment
    settings = reading.attempt(
        partial(read_settings, home.settings_file, variables), last.settings if last else None
    )
    before = last.profiles if last else {}
    profiles = read_profiles(home, reading, before)
    names = frozenset(name for name, _ in profile_files(home))
    crontab = reading.attempt(
        partial(read_crontab, home.cron_file, names), last.crontab if last else None
    )
    if settings is None or crontab is None:
        raise ConfigError(reading.problems)
    known = read_skills(home, reading, last)
    read = [profile for name, profile in profiles.items() if profile is not before.get(name)]
    reading.problems += dangling_names(home, read, settings, tools, names)
    for name in profiles:
        reading.problems += read_sources(home.sources_file(name)).problems
    skills = {
        name: skills_of(home, name, profile.front.skills, known)
        for name, profile in profiles.items()
    }
    words = remarks(settings, crontab, profiles)
    return Crew(settings, crontab, profiles, skills, tuple(reading.problems), words)


def read_profiles(home: Home, reading: Reading, last: Mapping[str, Profile]) -> dict[str, Profile]:
    profiles = {}
    for name, path in profile_files(home):
        profile = reading.attempt(partial(read_profile, path, name), last.get(name))
        if profile is not None:
            profiles[name] = profile
    return profiles


def read_skills(home: Home, reading: Reading, last: Crew | None) -> list[Skill]:
    skills = chain.from_iterable(last.skills.values()) if last else ()
    before = {skill.folder: skill for skill in skills}
    read = (
        reading.attempt(partial(read_skill, path), before.get(path.parent))
        for path in skill_files(home)
    )
    return [skill for skill in read if skill is not None]


def dangling_names(
    home: Home,
    profiles: Iterable[Profile],
    settings: Settings,
    tools: frozenset[str],
    agents: frozenset[str],
) -> list[Problem]:
    models = set(settings.models.profiles)
    skills = {path.parent.name for path in skill_files(home)}
    return [
        problem
        for profile in profiles
        for problem in dangling(
            profile, models=models, tools=set(tools), agents=set(agents), skills=skills
        )
    ]


def remarks(
    settings: Settings, crontab: Crontab, profiles: Mapping[str, Profile]
) -> tuple[str, ...]:
    """What works and still deserves a word, for `lint` and the log."""
    of_profiles = [f"{p.path}: {warning}" for p in profiles.values() for warning in p.warnings]
    of_settings = [f"harness.yaml: {remark}" for remark in not_yet(settings)]
    of_jobs = [f"cron.yaml: {warning}" for warning in crontab.warnings]
    return (*of_settings, *of_jobs, *of_profiles)
