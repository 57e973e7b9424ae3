"""The environment's settings: `HARNESS_<SECTION>__<KEY>` over the file, `OLLAMA_HOST` besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config.document import LONGEST_SAID, Document, Location
from harness.errors import ConfigError, Problem
from harness.text.words import clip

PREFIX = "HARNESS_"
OWN_VARIABLES = {"HARNESS_HOME"}  # not settings, although they begin like them
OLLAMA = "OLLAMA_HOST"


@dataclass(frozen=True)
class Overlaid(Document):
    """A document with values of the environment over its own: a fault of one of those is
    placed at its variable."""

    variables: Mapping[Location, str]

    def problem(self, location: Location, message: str, **how: Any) -> Problem:
        """A problem placed at the variable that set the value at `location`, else in the file."""
        for place, name in self.variables.items() if location else ():
            if location[: len(place)] == place or place[: len(location)] == location:
                return Problem(Path(name), 0, 0, clip(message, LONGEST_SAID), how.get("hint"))
        return super().problem(location, message, **how)


def overlay(
    document: Document, environment: Mapping[str, str], defaults: Mapping[str, Any]
) -> Document:
    """The document, whose data is a sound mapping, with the environment's values over it.

    A value is read as YAML. A section that the file lacks has the `defaults` beneath the value.
    """
    data = dict(document.data)
    variables: dict[Location, str] = {}
    if address := environment.get(OLLAMA):
        models = section(data, ("models",), defaults)
        first, *others = models.get("hosts", defaults["models"]["hosts"])
        models["hosts"] = [{**first, "url": address}, *others]
        variables["models", "hosts", 0, "url"] = OLLAMA
    for name, words, text in settings_of(environment):
        place = spelled(data, words, defaults)
        section(data, place[:-1], defaults)[place[-1]] = value_of(text, Path(name))
        variables[place] = name
    return Overlaid(**vars(replace(document, data=data)), variables=variables)


def settings_of(environment: Mapping[str, str]) -> Iterator[tuple[str, list[str], str]]:
    """Each variable that sets something, the words of its key, and its text."""
    for name, text in sorted(environment.items()):
        ours = name.startswith(PREFIX) and name not in OWN_VARIABLES and "__" in name
        if ours and text.strip():
            yield name, name.removeprefix(PREFIX).lower().split("__"), text


def value_of(text: str, name: Path) -> Any:
    """A text as YAML, or as it stands where it is none."""
    try:
        return Document.parse(text, name).data
    except ConfigError:
        return text


def spelled(data: Any, words: list[str], defaults: Any) -> tuple[str, ...]:
    """The words as the file or the defaults spell them: a variable knows no case or hyphen."""
    place: tuple[str, ...] = ()
    for word in words:
        known = [*mapping(data), *mapping(defaults)]
        key = next((key for key in known if plain(key) == word), word)
        data, defaults = mapping(data).get(key), mapping(defaults).get(key)
        place = (*place, key)
    return place


def section(data: dict[str, Any], place: tuple[str, ...], defaults: Any) -> dict[str, Any]:
    """The mapping at a place of the data, made there if it is missing.

    It is a copy, and so are those above it: an alias of YAML shares its mapping.
    """
    for key in place:
        defaults = mapping(defaults).get(key)
        below = data.get(key)
        data[key] = dict(below if isinstance(below, dict) else mapping(defaults))
        data = data[key]
    return data


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def plain(key: object) -> str:
    return str(key).lower().replace("-", "_")
