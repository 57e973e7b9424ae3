"""The parts of a markdown file: list items, paragraphs, table rows; entries; sections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.memory.fences import fence_after

# taken once and for all, sign by sign: a line that somebody made to be slow costs no more than any
_HEADING = re.compile(r" {0,3}#{1,6}\s++(.*+)$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_RULE = re.compile(r"\s*+(?:[-*_§]\s*+){3,}+$|\s*+§\s*+$|[\s:|]*+-[\s:-]*+\|[\s:|-]*+$")
_COMMENT = re.compile(r"(?:(?<!\s)\s++)?<!--.*?(-->|$)")
_END = re.compile(r"\r\n|\n|\r")
_ENTRY = re.compile(r"## \[")
_FIELD = re.compile(r"\*\*[\w -]{1,40}(?:\*\*:|:\*\*)")
_DENIED = re.compile(r"\s*[-*+]\s+\**Contradicted-By\**:\**\s+(\S+)")
_SUPERSEDED = re.compile(
    r"\s*(?:[-*+]\s+)?\**Status(?:\*\*)?:(?:\*\*)?\s+superseded\b", re.IGNORECASE
)
_SILENT = frozenset({"metadata", "verifications", "resolution"})  # sections of an entry


@dataclass(frozen=True)
class Line:
    """One line of a file, with what of it is words."""

    number: int
    raw: str
    said: str  # without comments; empty within a fence and in front matter
    fenced: bool


@dataclass(frozen=True)
class Block:
    """One part of a file."""

    line: int
    heading: str  # the nearest above it
    text: str
    raw: str  # with the comments


def lines_of(text: str) -> Iterator[Line]:
    """Every line. A fence or comment that is never closed goes to the end, as in markdown."""
    fence, comment, front = "", False, False
    for number, raw in enumerate(_END.split(text), start=1):
        if raw.strip() == "---" and (number == 1 or front):
            front = number == 1
            yield Line(number, raw, "", False)
        elif front:
            yield Line(number, raw, "", False)
        elif fence or (not comment and fence_after("", raw)):
            fence = fence_after(fence, raw)
            yield Line(number, raw, "", True)
        else:
            said = raw
            if comment:
                _, closed, rest = raw.partition("-->")
                comment, said = not closed, rest if closed else ""
            ends = _COMMENT.findall(said)
            comment = comment or (bool(ends) and not ends[-1])
            yield Line(number, raw, _COMMENT.sub("", said), False)


def title_in(said: str) -> str | None:
    """What a heading says; None: the line is none."""
    found = _HEADING.match(said)
    return found[1].rstrip().rstrip("#").rstrip() if found else None


def blocks(text: str) -> Iterator[Block]:
    """List items, paragraphs and table rows, in order. A nested item stands for itself."""
    heading = ""
    held: list[Line] = []
    for line in lines_of(text):
        title = title_in(line.said)
        starts = bool(_ITEM.match(line.said)) or line.said.lstrip().startswith("|")
        ends = title is not None or not line.said.strip() or bool(_RULE.match(line.said))
        if held and (starts or ends):
            yield block_of(held, heading)
            held = []
        if title is not None:
            heading = title
        elif not ends:
            held.append(line)
    if held:
        yield block_of(held, heading)


def block_of(lines: list[Line], heading: str) -> Block:
    said = " ".join(line.said.strip() for line in lines)
    return Block(
        lines[0].number, heading, without_bullet(said), "\n".join(line.raw for line in lines)
    )


def entries(text: str) -> Iterator[Block]:
    """The entries of a file of lessons (`## [ID] title`), each whole, its fields left out. One that
    holds no more says so first: nobody is to take it for a fact."""
    for title, lines in grouped(lines_of(text), _ENTRY.match):
        if title is not None:
            said = " ".join([*outlived(lines), title, *sayings(lines)])
            raw = "\n".join(line.raw for line in lines)
            yield Block(lines[0].number, title, said, raw)


def outlived(lines: list[Line]) -> Iterator[str]:
    """By what an entry was taken the place of, if it was."""
    newer = [found[1] for line in lines if (found := _DENIED.match(line.said))]
    if newer or any(_SUPERSEDED.match(line.said) for line in lines):
        yield f"superseded by {newer[0]}:" if newer else "superseded:"


def sayings(lines: list[Line]) -> Iterator[str]:
    silent = False
    for line in lines[1:]:
        if (title := title_in(line.said)) is not None:
            silent = title.casefold() in _SILENT
        elif not silent and line.said.strip(" -") and not _FIELD.match(line.said):
            yield without_bullet(line.said)


def without_bullet(said: str) -> str:
    bullet = _ITEM.match(said)
    return said[bullet.end() if bullet else 0 :].strip()


def sections(text: str) -> Iterator[Block]:
    """The sections of a page, each with all that it says, code as well."""
    for title, lines in grouped(lines_of(text), _HEADING.match):
        kept = [line for line in lines[title is not None :] if line.said.strip() or line.fenced]
        said = "\n".join(line.said or line.raw for line in kept).strip()
        if said:
            first = lines[0] if title is not None else kept[0]
            yield Block(first.number, title or "", said, "\n".join(one.raw for one in lines))


def grouped(lines: Iterable[Line], begins: object) -> Iterator[tuple[str | None, list[Line]]]:
    """The lines from each heading that begins a group to the next, with its title."""
    title: str | None = None
    held: list[Line] = []
    for line in lines:
        if callable(begins) and begins(line.said):
            if held:
                yield title, held
            heading = title_in(line.said)
            title, held = line.said if heading is None else heading, []
        held.append(line)
    if held:
        yield title, held
