"""All that the files of a home say, read together, each part kept while it was last good."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from harness.config.crontab import Crontab, read_crontab
from harness.config.home import Home
from harness.config.profile import Profile
from harness.config.reading import Reading
from harness.config.roster import (
    dangling_limits,
    dangling_names,
    dangling_routes,
    find_profiles,
    fit_profiles,
)
from harness.config.rules import KnownTools
from harness.config.settings import Settings, not_yet, pointless, read_settings
from harness.config.skills import Skill, read_skill, skill_files, skills_of
from harness.config.sources import read_sources
from harness.errors import ConfigError, Problem


@dataclass(frozen=True)
class Crew:
    """One consistent reading of a home, and what is wrong with the files on disk.

    Of a file in `refused` the last good version is in force. An agent in `left_out` has a
    file and no version of it that can work; its tasks wait.
    """

    settings: Settings
    crontab: Crontab
    profiles: Mapping[str, Profile]
    skills: Mapping[str, Sequence[Skill]]  # of each agent
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: frozenset[Path] = frozenset()
    left_out: tuple[str, ...] = ()


def read_crew(
    home: Home,
    tools: KnownTools,
    *,
    last: Crew | None = None,
    environment: Mapping[str, str] | None = None,
) -> Crew:
    """Read every file of `home`, keeping what `last` had for each one that does not parse.

    An agent whose file is bad, or whose model is nowhere defined, keeps the last version that
    works, and is left out when there is none: the others start. Raises ConfigError when there
    is no good version of the settings or of the schedule.
    """
    reading = Reading()
    variables = os.environ if environment is None else environment
    settings = reading.attempt(
        partial(read_settings, home.settings_file, variables, tools),
        last.settings if last else None,
    )
    before = last.profiles if last else {}
    found = find_profiles(home, reading, before, tools)
    names = frozenset(found)
    channels = settings.delivery.default if settings else ()
    crontab = reading.attempt(
        partial(read_crontab, home.cron_file, names, channels), last.crontab if last else None
    )
    if settings is None or crontab is None:
        raise ConfigError(reading.problems)
    known = read_skills(home, reading, last)
    new = [each for name, each in found.items() if each and each is not before.get(name)]
    reading.problems += dangling_names(home, new, settings, tools.names, found)
    reading.problems += dangling_routes(home, settings, variables, found)
    reading.problems += dangling_limits(home, settings, variables, found)
    profiles = fit_profiles(found, reading, before, settings)
    for name in profiles:
        reading.problems += read_sources(home.sources_file(name)).problems
    return Crew(
        settings,
        crontab,
        profiles,
        {name: skills_of(home, name, each.front.skills, known) for name, each in profiles.items()},
        problems=tuple(reading.problems),
        warnings=remarks(settings, crontab, profiles),
        refused=frozenset(reading.refused),
        left_out=tuple(sorted(names - profiles.keys())),
    )


def read_skills(home: Home, reading: Reading, last: Crew | None) -> list[Skill]:
    known = chain.from_iterable(last.skills.values()) if last else ()
    before = {skill.folder: skill for skill in known}
    read = (
        reading.attempt(partial(read_skill, path), before.get(path.parent))
        for path in skill_files(home)
    )
    skills = [skill for skill in read if skill is not None]
    if not home.agents.is_dir():  # as for the profiles: nobody loses his own
        skills += [skill for folder, skill in before.items() if home.agents in folder.parents]
    return skills


def remarks(
    settings: Settings, crontab: Crontab, profiles: Mapping[str, Profile]
) -> tuple[str, ...]:
    """What works and still deserves a word, for `lint` and the log."""
    of_profiles = [f"{p.path}: {warning}" for p in profiles.values() for warning in p.warnings]
    of_settings = [
        f"harness.yaml: {remark}" for remark in (*not_yet(settings), *pointless(settings))
    ]
    of_jobs = [f"cron.yaml: {warning}" for warning in crontab.warnings]
    return (*of_settings, *of_jobs, *of_profiles)
