"""Entry files (`.learnings/*.md`), read and edited without a change to any other byte.

A file is a preamble and entries. An entry begins at `## [TYPE-...] title` and reaches to the next
one; what stands in a block of code begins and ends nothing. Whatever else a file holds is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from harness.memory.lessons.lines import Line, lines_of, newline_of

_HEAD = re.compile(r" {0,3}## +\[([A-Za-z][A-Za-z_]*-[^\]\s]+)\](?!\()[ \t]*(.*)", re.DOTALL)
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?", re.DOTALL)
_RULE = re.compile(r" {0,3}-{3,}[ \t]*")
_FIELD = re.compile(
    r" {0,3}([-*+][ \t]{1,9})?"
    r"(?:\*\*([^*:]{1,60})(?::\*\*|\*\*[ \t]{0,9}:)|([^\s*:][^*:]{0,60}):(?=[ \t]|\Z))[ \t]*"
)
_BLANK = re.compile(r"[\s_-]+")
METADATA = "Metadata"


class Part(NamedTuple):
    """What stands below a heading of an entry, as numbers of its lines."""

    name: str  # as it is compared; empty before the first heading
    first: int
    end: int


@dataclass(frozen=True)
class Entry:
    """One entry, with all its bytes. An edit gives another one."""

    id: str
    title: str
    line: int  # of its heading in the file, from 1
    text: str  # to where the next entry begins
    newline: str = "\n"  # of its file

    def field(self, name: str) -> str:
        """The value of a bold line or of a bullet of the metadata; empty when there is none."""
        found = self._value(name)
        return self.text[found[0] : found[1]] if found else ""

    def with_field(self, name: str, value: str) -> Entry:
        """The entry with that value; a field that it lacks becomes a bullet of its metadata."""
        found = self._value(name)
        if found is None:
            return self.with_bullet(METADATA, f"- {name}: {value}")
        start, stop = found
        gap = " " if start == stop and self.text[start - 1] in ":*" else ""
        return self._spliced(start, stop, gap + value)

    def without_field(self, name: str) -> Entry:
        """The entry without the line of that field."""
        found = self._value(name)
        line = next((line for line in self.lines if found and line.stop >= found[1]), None)
        return self._spliced(line.start, line.end, "") if line else self

    def section(self, name: str) -> str:
        """What stands below that heading, without the blank lines around it."""
        part = self._part(name)
        return self._said(part) if part else ""

    def sections(self) -> Iterator[tuple[str, str]]:
        """Every section with its text; the head, without a name, comes first."""
        return ((part.name, self._said(part)) for part in self.parts)

    def with_section(self, name: str, text: str) -> Entry:
        """The entry with that text below the heading, which is made before the metadata."""
        part = self._part(name)
        body = text.replace("\n", self.newline)
        if part is None:
            return self._with_part(name, body, before=METADATA)
        lines = self._content(part)
        if not lines:
            place = self.lines[part.first - 1].stop
            return self._spliced(place, place, self.newline + body)
        return self._spliced(lines[0].start, lines[-1].stop, body)

    def bullets(self, name: str) -> list[str]:
        """The lines of a section that are items of a list."""
        part = self._part(name)
        found = self._content(part) if part else []
        return [line.text.strip() for line in found if not line.fenced and is_item(line.text)]

    def with_bullet(self, name: str, bullet: str) -> Entry:
        """One more item at the end of a section, which is made when it is missing."""
        part = self._part(name)
        if part is None:
            return self._with_part(name, bullet)
        lines = self._content(part)
        place = lines[-1].stop if lines else self.lines[part.first - 1].stop
        return self._spliced(place, place, self.newline + bullet)

    def without_bullet(self, name: str, bullet: str) -> Entry:
        """The entry without the first item of a section that says that."""
        part = self._part(name)
        lines = self._content(part) if part else []
        said = (line for line in lines if not line.fenced and line.text.strip() == bullet)
        line = next(said, None)
        return self._spliced(line.start, line.end, "") if line else self

    @cached_property
    def lines(self) -> list[Line]:
        return lines_of(self.text)

    @cached_property
    def close(self) -> int:
        """The number of the line that ends the entry: the first `---` after its last heading."""
        last = max((n for n, line in enumerate(self.lines) if section_of(line)), default=0)
        rules = (n for n, line in enumerate(self.lines) if n > last and is_rule(line))
        return next(rules, len(self.lines))

    @cached_property
    def parts(self) -> list[Part]:
        """The head, then every section."""
        starts = [n for n in range(1, self.close) if is_heading(self.lines[n])]
        ends = [*starts, self.close]
        names = ["", *(section_of(self.lines[n]) or "#" for n in starts)]
        firsts = [1, *(n + 1 for n in starts)]
        return [Part(*part) for part in zip(names, firsts, ends, strict=True)]

    @cached_property
    def values(self) -> dict[str, tuple[int, int]]:
        """Where the value of each field stands; of two of one name, the first."""
        homes = [part for part in self.parts if part.name in ("", known_as(METADATA))]
        lines = (line for part in homes for line in self.lines[part.first : part.end])
        found = [value_in(line) for line in lines if not line.fenced]
        return {one[0]: (one[1], one[2]) for one in reversed(found) if one}

    def _part(self, name: str) -> Part | None:
        known = known_as(name)
        return next((part for part in self.parts if part.name == known), None)

    def _content(self, part: Part) -> list[Line]:
        """The lines of a part from its first that is not blank to its last."""
        lines = self.lines[part.first : part.end]
        said = [n for n, line in enumerate(lines) if line.text.strip()]
        return lines[said[0] : said[-1] + 1] if said else []

    def _said(self, part: Part) -> str:
        lines = self._content(part)
        return self.text[lines[0].start : lines[-1].stop].strip() if lines else ""

    def _value(self, name: str) -> tuple[int, int] | None:
        return self.values.get(known_as(name))

    def _with_part(self, name: str, body: str, before: str = "") -> Entry:
        """A new section at the end of the entry, or before that other one."""
        other = self._part(before) if before else None
        end = other.first - 1 if other else self.close
        lines = self._content(Part("", 0, end))
        place, gap = lines[-1].stop, self.newline
        return self._spliced(place, place, f"{gap}{gap}### {name}{gap}{body}")

    def _spliced(self, start: int, stop: int, words: str) -> Entry:
        return replace(self, text=self.text[:start] + words + self.text[stop:])


@dataclass(frozen=True)
class EntryFile:
    """A file of entries; put together again it is what was read, whatever it was."""

    preamble: str
    entries: tuple[Entry, ...]

    def render(self) -> str:
        return self.preamble + "".join(entry.text for entry in self.entries)

    def changed(self, change: Callable[[Entry], Entry]) -> EntryFile:
        """The file with another form of some of its entries."""
        return replace(self, entries=tuple(change(entry) for entry in self.entries))


def parse(text: str) -> EntryFile:
    """Any text as a file of entries; `parse(text).render() == text`."""
    found = [
        (number, line.start, head)
        for number, line in enumerate(lines_of(text), start=1)
        if not line.fenced and "## " in line.text and (head := _HEAD.fullmatch(line.text))
    ]
    newline = newline_of(text)
    starts = [start for _, start, _ in found] + [len(text)]
    entries = (
        Entry(head[1], head[2].strip(), number, text[start:end], newline)
        for (number, start, head), end in zip(found, starts[1:], strict=True)
    )
    return EntryFile(text[: starts[0]], tuple(entries))


@lru_cache(maxsize=1_000)
def known_as(name: str) -> str:
    """The form in which names of fields and sections are compared."""
    return "-".join(_BLANK.split(name.strip().casefold()))


def heading_in(line: Line) -> re.Match[str] | None:
    return None if line.fenced or "#" not in line.text else _HEADING.fullmatch(line.text)


def is_heading(line: Line) -> bool:
    """Whether the line ends a section: a heading of the entry's sections, or above."""
    found = heading_in(line)
    return found is not None and len(found[1]) <= 3


def section_of(line: Line) -> str:
    """The name of the section that begins here, or empty."""
    found = heading_in(line)
    return known_as((found[2] or "").rstrip("# ")) if found and len(found[1]) == 3 else ""


def is_rule(line: Line) -> bool:
    return not line.fenced and _RULE.fullmatch(line.text) is not None


def is_item(text: str) -> bool:
    return text.lstrip(" ")[:2] in ("- ", "* ", "+ ")


def value_in(line: Line) -> tuple[str, int, int] | None:
    """The name of a field and where in its entry the value stands, if the line is one."""
    found = _FIELD.match(line.text) if ":" in line.text else None
    if found is None or (found[3] and not found[1]):
        return None
    end = len(line.text.rstrip(" \t"))
    start = min(found.end(), end)
    return known_as(found[2] or found[3]), line.start + start, line.start + end
