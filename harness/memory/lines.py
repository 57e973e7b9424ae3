"""The lines of a Markdown text, with where they stand and which are code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
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
    found = [match.span() for match in _LINE.finditer(text) if match[0]]
    if found and text.startswith(BOM):
        found[0] = (1, found[0][1])
    said = [text[start:end].rstrip("\r\n") for start, end in found]
    return [
        Line(start, start + len(words), end, words, fenced)
        for (start, end), words, fenced in zip(found, said, fenced_of(said), strict=True)
    ]


def newline_of(text: str) -> str:
    """How lines end in a text: as its first one does."""
    first = _NEWLINE.search(text)
    return first[0] if first else "\n"


def fenced_of(lines: Sequence[str]) -> list[bool]:
    """Which lines belong to a block of code between two fences (CommonMark 4.5)."""
    marks = [_FENCE.fullmatch(line) for line in lines]
    closable = _closable(marks)
    inside, flags = "", []
    for number, mark in enumerate(marks):
        if inside:
            flags.append(True)
            inside = "" if _closes(mark, inside) else inside
        else:
            opens = _opens(mark) and len(mark[1]) <= closable[number + 1].get(mark[1][0], 0)
            inside = mark[1] if opens else ""
            flags.append(bool(opens))
    return flags


def open_fence(text: str) -> str:
    """The fence that a text opens and does not close, or empty: what is appended would be code."""
    for line in lines_of(text):
        mark = None if line.fenced else _FENCE.fullmatch(line.text)
        if _opens(mark):
            return mark[1]
    return ""


def _opens(mark: re.Match[str] | None) -> bool:
    return mark is not None and not (mark[1][0] == "`" and "`" in mark[2])


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
