"""Who speaks: names at the head of lines, and those that a question names."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPEAKER = re.compile(
    r"(?:\*\*)?([^\W\d_][\w.'’-]{0,30}(?: [^\W\d_a-z][\w.'’-]{0,30}){0,2})"
    r"(?:\*\*)?:(?:\*\*)?\s+\S"
)
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
COMMON = 0.1  # of the units that one speaker begins: his name matches nearly everything
FEWEST = 3  # units that begin with a name before it is a speaker's


def speaker_of(text: str) -> str:
    """The name before the colon at the head of a unit, folded; empty for none."""
    found = _SPEAKER.match(text)
    return found[1].casefold() if found and found[1][0].isupper() else ""


def named_in(query: str, speakers: Mapping[str, int]) -> frozenset[str]:
    """The speakers that a question names, by the whole name or by a part of it that is one."""
    said = [word.removesuffix("'s").removesuffix("’s") for word in _WORD.findall(query.casefold())]
    text = f" {' '.join(said)} "
    return frozenset(
        name for name, units in speakers.items() if units >= FEWEST and f" {name} " in text
    )


def everywhere(named: frozenset[str], speakers: Mapping[str, int], units: int) -> frozenset[str]:
    """Those among the named who begin so many units that their names tell nothing apart."""
    return frozenset(name for name in named if speakers[name] >= COMMON * units)
