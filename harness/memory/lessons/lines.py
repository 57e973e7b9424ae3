"""The lines of a Markdown text, with where they stand and which are code."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_NEWLINE = re.compile(r"\r\n|\r|\n")
BOM = "\ufeff"
Span = tuple[int, int]  # from a place to another in a text


class Line(NamedTuple):
    """One line: `text` stands at `start` to `stop`, its newline goes to `end`."""

    start: int
    stop: int
    end: int
    text: str
    fenced: bool  # part of a block of code, its fences included


def lines_of(text: str) -> list[Line]:
    """The lines; `\\n`, `\\r\\n` and `\\r` end one, as CommonMark has it. A byte order mark is no
    part of the first one. A fence that nothing closes is none: it would swallow what follows."""
    start = len(BOM) if text.startswith(BOM) else 0
    found = [match for match in LINE.finditer(text, start) if match.end() > match.start()]
    code = fenced(text)
    return [
        Line(match.start(), match.end(1), match.end(), match[1], within(match.start(), code))
        for match in found
    ]


class LinesLike:
    """Finds the lines of a text that a regular expression fits from their beginning, as its first
    group. `^` knows `\\n` alone; and who looks behind at every letter takes ten times as long."""

    def __init__(self, sign: str) -> None:
        self._first = re.compile(f"{BOM}?({sign})")
        self._later = re.compile(f"[\\r\\n]({sign})")

    def __call__(self, text: str) -> Iterator[re.Match[str]]:
        first = self._first.match(text)
        return chain((first,) if first else (), self._later.finditer(text))


def newline_of(text: str) -> str:
    """How lines end in a text: as its first one does."""
    first = _NEWLINE.search(text)
    return first[0] if first else "\n"


def newlines_in(text: str, start: int, stop: int) -> int:
    """How many lines end between two beginnings of lines."""
    single = text.count("\n", start, stop) + text.count("\r", start, stop)
    return single - text.count("\r\n", start, stop)


def fenced(text: str) -> list[Span]:
    """Where the blocks of code between two fences stand, both included (CommonMark 4.5)."""
    return _blocks(fences_in(text))


def _blocks(marks: Sequence[re.Match[str]]) -> list[Span]:
    closable = _closable(marks)
    inside, first, found = "", 0, []
    for number, mark in enumerate(marks):
        if not inside:
            inside, first = _opened(mark, closable[number + 1]), mark.start(1)
        elif _closes(mark, inside):
            found.append((first, mark.end()))
            inside = ""
    return found


def within(place: int, spans: Sequence[Span]) -> bool:
    """Whether a place is in one of these, which are in order."""
    before = bisect_right(spans, (place, sys.maxsize))
    return before > 0 and place <= spans[before - 1][1]


def open_fence(text: str) -> str:
    """The fence that a text opens and does not close, or empty: what is appended would be code."""
    found = fences_in(text)
    code = _blocks(found)
    marks = (mark for mark in found if not within(mark.start(1), code))
    return next((mark[2] for mark in marks if _opens(mark)), "")


_FENCES = LinesLike(r" {0,3}(`{3,}|~{3,})([^\r\n]*)")


def fences_in(text: str) -> list[re.Match[str]]:
    return list(_FENCES(text)) if "```" in text or "~~~" in text else []


def _opened(mark: re.Match[str], closable: Mapping[str, int]) -> str:
    """The fence that begins a block here, or empty."""
    if not _opens(mark) or len(mark[2]) > closable.get(mark[2][0], 0):
        return ""
    return mark[2]


def _opens(mark: re.Match[str]) -> bool:
    return not (mark[2][0] == "`" and "`" in mark[3])


def _closes(mark: re.Match[str], fence: str) -> bool:
    return not mark[3].strip() and mark[2].startswith(fence)


def _closable(marks: Sequence[re.Match[str]]) -> list[dict[str, int]]:
    """From each fence on, the longest of each kind that could close a block."""
    longest: list[dict[str, int]] = [{}]
    for mark in reversed(marks):
        best = longest[-1]
        if not mark[3].strip():
            kind, length = mark[2][0], len(mark[2])
            best = {**best, kind: max(best.get(kind, 0), length)}
        longest.append(best)
    return longest[::-1]
