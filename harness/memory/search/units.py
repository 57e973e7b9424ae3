"""A unit of memory: a list item, paragraph, entry or section, as it is found and told."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from harness.memory.expiry import expiry_told
from harness.memory.search.dated import day_of_name, day_told
from harness.memory.search.markdown import Block, blocks, entries, sections
from harness.memory.search.places import Place
from harness.text.marks import sources_of

_TIME = re.compile(r"\d\d:\d\dZ ")
LONGEST = 2_000  # characters of one unit; what is longer is cut into pieces


@dataclass(frozen=True)
class Unit:
    """What one hit gives back. Lines count from 1."""

    path: str  # relative to the home
    line: int
    text: str  # without the sign of a list, and without comments
    agent: str | None  # whose memory it is; None: everybody's
    kind: str  # memory, note, learning, shared or skill
    date: datetime.date | None  # of what it tells, as far as the file says
    heading: str  # below which it stands
    outside: tuple[str, ...]  # strangers whose words it may hold; empty: the house's own
    expires: datetime.date | None


@dataclass(frozen=True)
class Hit:
    """A unit that a search found."""

    unit: Unit
    id: str  # the same as long as its file has its words
    score: float
    superseded_by: str | None = None  # path:line of a newer note that says otherwise, or its id


def id_of(unit: Unit) -> str:
    """Names a unit by where it stands and what it says; its line may move."""
    said = f"{unit.path}\n{unit.text}".encode("utf-8", errors="surrogatepass")
    return blake2b(said, digest_size=8).hexdigest()


def units_of(place: Place, text: str) -> Iterator[Unit]:
    """The units of one file in the order of its lines."""
    whole = tuple(sources_of(text.partition("\n")[0]))
    named = day_of_name(place.path)
    for block in parts_of(place, text):
        yield from pieces(unit_of(place, block, whole, named))


def parts_of(place: Place, text: str) -> Iterator[Block]:
    match place.kind:
        case "learning":
            return entries(text)
        case "skill":
            return sections(text)
        case _:
            return blocks(text)


def unit_of(
    place: Place, block: Block, whole: tuple[str, ...], named: datetime.date | None
) -> Unit:
    return Unit(
        path=place.path,
        line=block.line,
        text=block.text,
        agent=place.agent,
        kind=place.kind,
        date=named or day_told(block.raw, block.heading),
        heading=block.heading,
        outside=tuple(dict.fromkeys([*whole, *sources_of(block.raw)])),
        expires=expiry_told(block.raw),
    )


def pieces(unit: Unit) -> Iterator[Unit]:
    """The unit, or as many as it takes when it is too long to be told at once."""
    if len(unit.text) <= LONGEST:
        if unit.text:
            yield unit
        return
    rest = unit.text
    while len(rest) > LONGEST:
        end = rest.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
        yield replace(unit, text=rest[:end].rstrip())
        rest = rest[end:]
    if rest.strip():
        yield replace(unit, text=rest.strip())


def timeless(text: str) -> str:
    """What a line of a daily log says, without the time at its head."""
    return text[7:] if _TIME.match(text) else text
