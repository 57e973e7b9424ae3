"""Entry files (`.learnings/*.md`), read and edited without a change to any other byte.

A file is a preamble and entries. An entry begins at `## [TYPE-...] title` and reaches to the next
one; what stands in a block of code begins and ends nothing. Whatever else a file holds is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from harness.memory.lessons.lines import (
    LINE,
    Line,
    LinesLike,
    Span,
    fenced,
    lines_of,
    newline_of,
    newlines_in,
    within,
)

_HEADS = LinesLike(r" {0,3}## +\[([A-Za-z][A-Za-z_]*-[^\]\s]+)\](?!\()[ \t]*([^\r\n]*)")
_SIGNS = LinesLike(  # what parts an entry: a heading or a rule
    r" {0,3}(?:(#{1,6})(?:[ \t]+([^\r\n]*))?|-{3,}[ \t]*)(?=[\r\n]|\Z)"
)
_END = re.compile(r"[\r\n]|\Z")
_FIELD = re.compile(
    r" {0,3}([-*+][ \t]{1,9})?"
    r"(?:\*\*([^*:]{1,60})(?::\*\*|\*\*[ \t]{0,9}:)|([^\s*:][^*:]{0,60}):(?=[ \t]|\Z))[ \t]*"
)
_BLANK = re.compile(r"[\s_-]+")
METADATA = "Metadata"


class Part(NamedTuple):
    """What stands below a heading of an entry, as places in its text."""

    name: str  # as it is compared; empty before the first heading
    start: int  # of the line of the heading
    first: int  # where that line ends
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
            return self._spliced(part.first, part.first, self.newline + body)
        return self._spliced(lines[0].start, lines[-1].stop, body)

    def bullets(self, name: str) -> list[str]:
        """The lines of a section that are items of a list."""
        part = self._part(name)
        lines = self._uncoded(part) if part else ()
        return [line[1].strip() for line in lines if is_item(line[1])]

    def with_bullet(self, name: str, bullet: str) -> Entry:
        """One more item at the end of a section, which is made when it is missing."""
        part = self._part(name)
        if part is None:
            return self._with_part(name, bullet)
        lines = self._content(part)
        place = lines[-1].stop if lines else part.first
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
    def code(self) -> list[Span]:
        return fenced(self.text)

    @cached_property
    def signs(self) -> list[re.Match[str]]:
        """The lines that part the entry: headings and rules."""
        return [sign for sign in _SIGNS(self.text) if not within(sign.start(1), self.code)]

    @cached_property
    def close(self) -> int:
        """Where the line stands that ends the entry: the first `---` after its last heading."""
        last = max((sign.start(1) for sign in self.signs if section_of(sign)), default=0)
        rules = (sign.start(1) for sign in self.signs if not sign[2] and sign.start(1) > last)
        return next(rules, len(self.text))

    @cached_property
    def parts(self) -> list[Part]:
        """The head, then every section."""
        headings = [sign for sign in self.signs if is_heading(sign) and sign.start(1) < self.close]
        starts = [0, *(sign.start(1) for sign in headings if sign.start(1))]
        names = ["", *(section_of(sign) or "#" for sign in headings if sign.start(1))]
        ends = [*starts[1:], self.close]
        found = zip(names, starts, ends, strict=True)
        return [Part(name, start, self._end_of_line(start), end) for name, start, end in found]

    @cached_property
    def values(self) -> dict[str, Span]:
        """Where the value of each field stands; of two of one name, the first."""
        homes = [part for part in self.parts if part.name in ("", known_as(METADATA))]
        lines = (line for part in homes for line in self._uncoded(part))
        found = [value_in(line[1], line.start()) for line in lines]
        return {one[0]: (one[1], one[2]) for one in reversed(found) if one}

    def _part(self, name: str) -> Part | None:
        known = known_as(name)
        return next((part for part in self.parts if part.name == known), None)

    def _uncoded(self, part: Part) -> Iterator[re.Match[str]]:
        """The lines of a part that are no code."""
        found = LINE.finditer(self.text, part.first, part.end)
        return (line for line in found if not within(line.start(), self.code))

    def _content(self, part: Part) -> list[Line]:
        """The lines of a part from its first that is not blank to its last."""
        lines = [line for line in self.lines if part.first <= line.start < part.end]
        said = [n for n, line in enumerate(lines) if line.text.strip()]
        return lines[said[0] : said[-1] + 1] if said else []

    def _said(self, part: Part) -> str:
        return self.text[part.first : part.end].strip()

    def _end_of_line(self, start: int) -> int:
        found = _END.search(self.text, start)
        return found.start() if found else len(self.text)

    def _value(self, name: str) -> tuple[int, int] | None:
        return self.values.get(known_as(name))

    def _with_part(self, name: str, body: str, before: str = "") -> Entry:
        """A new section at the end of the entry, or before that other one."""
        other = self._part(before) if before else None
        end = other.start if other else self.close
        lines = self._content(Part("", 0, 0, end))
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
    code = fenced(text)
    heads = [head for head in _HEADS(text) if not within(head.start(1), code)]
    starts = [head.start(1) for head in heads] + [len(text)]
    return EntryFile(text[: starts[0]], tuple(entries_at(text, heads, starts)))


def entries_at(text: str, heads: Sequence[re.Match[str]], starts: Sequence[int]) -> Iterator[Entry]:
    newline, line, before = newline_of(text), 1, 0
    for head, start, end in zip(heads, starts, starts[1:], strict=False):
        line += newlines_in(text, before, start)
        before = start
        yield Entry(head[2], head[3].strip(), line, text[start:end], newline)


@lru_cache(maxsize=1_000)
def known_as(name: str) -> str:
    """The form in which names of fields and sections are compared."""
    return "-".join(_BLANK.split(name.strip().casefold()))


def is_heading(sign: re.Match[str]) -> bool:
    """Whether the line ends a section: a heading of the entry's sections, or above."""
    return 1 <= len(sign[2] or "") <= 3


def section_of(sign: re.Match[str]) -> str:
    """The name of the section that begins here, or empty."""
    return known_as((sign[3] or "").rstrip("# ")) if sign[2] == "###" else ""


def is_item(text: str) -> bool:
    return text.lstrip(" ")[:2] in ("- ", "* ", "+ ")


def value_in(line: str, start: int) -> tuple[str, int, int] | None:
    """The name of a field and where in its entry the value stands, if the line is one."""
    found = _FIELD.match(line) if ":" in line else None
    if found is None or (found[3] and not found[1]):
        return None
    end = len(line.rstrip(" \t"))
    first = min(found.end(), end)
    return known_as(found[2] or found[3]), start + first, start + end
