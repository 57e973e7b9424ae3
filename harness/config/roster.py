"""The agents of a home: each with its profile now, or the last one that can work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from harness.config.document import Document, Location
from harness.config.environment import overlay
from harness.config.home import Home
from harness.config.names import did_you_mean, unknown_name
from harness.config.profile import HOUSE, Profile, dangling, profile_files, read_profile
from harness.config.reading import Reading
from harness.config.rules import KnownTools
from harness.config.settings import RouterSettings, Settings
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


def dangling_routes(
    home: Home, settings: Settings, environment: Mapping[str, str], agents: Iterable[str]
) -> Iterator[Problem]:
    """A Problem for each agent whom the router's settings name and who is not in the home. What
    they say of the others holds."""
    known, router = frozenset(agents), settings.router
    named: dict[Location, str] = {
        ("router", "rules", place, "agent"): rule.agent for place, rule in enumerate(router.rules)
    }
    if router.unsure != RouterSettings().unsure:  # a crew without its default is nobody's mistake
        named["router", "unsure"] = router.unsure
    strangers = {place: agent for place, agent in named.items() if agent not in known}
    if strangers:
        document = settings_document(home, environment)
        for place, agent in strangers.items():
            yield unknown_name(document, place, agent, known, "agent")


def dangling_limits(
    home: Home, settings: Settings, environment: Mapping[str, str], agents: Iterable[str]
) -> Iterator[Problem]:
    """A Problem for each agent who has a limit and is not in the home; the other limits hold."""
    known = {*agents, HOUSE}
    if strangers := [name for name in settings.models.limits.agents if name not in known]:
        document = settings_document(home, environment)
        for name in strangers:
            place = ("models", "limits", "agents", name)
            hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known))}"
            yield document.problem(place, f"unknown agent `{name}`", key=True, hint=hint)


def settings_document(home: Home, environment: Mapping[str, str]) -> Document:
    """The settings as they are written, for the places in them; an empty one where they are not
    to be read just now, since the last good ones are then in force."""
    file = home.settings_file
    try:
        document = Document.read(file) if file.is_file() else Document.parse("", file)
        sound = replace(document, data=document.data or {})
        return overlay(sound, environment, Settings().model_dump())
    except ConfigError:
        return Document.parse("", file)
