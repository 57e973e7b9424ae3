"""The lines of a Markdown text, with where they stand and which are code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)
BOM = "\ufeff"


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
    found = [match for match in _LINE.finditer(text, start) if match.end() > match.start()]
    fenced = fenced_of([match[1] for match in found])
    return [
        Line(match.start(), match.end(1), match.end(), match[1], flag)
        for match, flag in zip(found, fenced, strict=True)
    ]


def newline_of(text: str) -> str:
    """How lines end in a text: as its first one does."""
    first = _NEWLINE.search(text)
    return first[0] if first else "\n"


def fenced_of(lines: Sequence[str]) -> list[bool]:
    """Which lines belong to a block of code between two fences (CommonMark 4.5)."""
    marks = [fence_in(line) for line in lines]
    if not any(marks):
        return [False] * len(lines)
    closable = _closable(marks)
    inside, flags = "", []
    for number, mark in enumerate(marks):
        if inside:
            flags.append(True)
            inside = "" if _closes(mark, inside) else inside
            continue
        inside = _opened(mark, closable[number + 1])
        flags.append(bool(inside))
    return flags


def open_fence(text: str) -> str:
    """The fence that a text opens and does not close, or empty: what is appended would be code."""
    for line in lines_of(text):
        mark = None if line.fenced else fence_in(line.text)
        if mark is not None and _opens(mark):
            return mark[1]
    return ""


def fence_in(line: str) -> re.Match[str] | None:
    return _FENCE.fullmatch(line) if "```" in line or "~~~" in line else None


def _opened(mark: re.Match[str] | None, closable: Mapping[str, int]) -> str:
    """The fence that begins a block here, or empty."""
    if mark is None or not _opens(mark) or len(mark[1]) > closable.get(mark[1][0], 0):
        return ""
    return mark[1]


def _opens(mark: re.Match[str]) -> bool:
    return not (mark[1][0] == "`" and "`" in mark[2])


def _closes(mark: re.Match[str] | None, fence: str) -> bool:
    return mark is not None and not mark[2].strip() and mark[1].startswith(fence)


def _closable(marks: Sequence[re.Match[str] | None]) -> list[dict[str, int]]:
    """From each line on, the longest fence of each kind that could close a block."""
    longest: list[dict[str, int]] = [{}]
    for mark in reversed(marks):
        best = longest[-1]
        if mark is not None and not mark[2].strip():
            kind, length = mark[1][0], len(mark[1])
            best = {**best, kind: max(best.get(kind, 0), length)}
        longest.append(best)
    return longest[::-1]
