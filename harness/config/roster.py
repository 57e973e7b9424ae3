"""The agents of a home: each with its profile now, or the last one that can work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from harness.config.home import Home
from harness.config.profile import Profile, dangling, profile_files, read_profile
from harness.config.reading import Reading
from harness.config.rules import KnownTools
from harness.config.settings import Settings
from harness.config.skills import skill_files
from harness.errors import ConfigError, Problem

Found = Mapping[str, Profile | None]  # each agent of the home, None: no version of it parsed


def find_profiles(
    home: Home, reading: Reading, before: Mapping[str, Profile], known: KnownTools
) -> Found:
    """Every agent that has a file. Without the folder of the agents, all those `before`:
    whoever moves it away for a moment dismisses nobody. Raises ConfigError at a first reading
    without it."""
    if not home.agents.is_dir():
        reading.problems.append(Problem(home.agents, 0, 0, "the folder is not there"))
        reading.refused.add(home.agents)
        if not before:
            raise ConfigError(reading.problems)
        return before
    return {
        name: reading.attempt(partial(read_profile, path, name, known), before.get(name))
        for name, path in profile_files(home)
    }


def fit_profiles(
    found: Found, reading: Reading, before: Mapping[str, Profile], settings: Settings
) -> dict[str, Profile]:
    """Of each agent the profile now, else the one before, whose model is in the settings."""
    models = {None, *settings.models.profiles}
    fit = {}
    for name, profile in found.items():
        versions = (profile, before.get(name))
        chosen = next((each for each in versions if each and each.front.model in models), None)
        if chosen is None:
            continue
        fit[name] = chosen
        if profile is not None and profile is not chosen:
            reading.refused.add(profile.path)
    return fit


def dangling_names(
    home: Home, profiles: Iterable[Profile], settings: Settings, tools: frozenset[str], found: Found
) -> Iterator[Problem]:
    """A Problem for each name of the profiles that is nowhere defined."""
    models = set(settings.models.profiles)
    skills = {path.parent.name for path in skill_files(home)}
    for profile in profiles:
        yield from dangling(
            profile, models=models, tools=set(tools), agents=set(found), skills=skills
        )
