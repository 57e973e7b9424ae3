"""Patches of a MEMORY.md: lines that go, lines that come, and where. Pure functions of its text.

Everything else is kept to the byte: other lines, their ends, a missing last one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.memory.rules.lines import HEADING, Line, parse
from harness.text.lines import bare_lines, lines_of

_HEAD = re.compile(r"#{1,2}\s")


class Stale(HarnessError):
    """What a patch would take out does not stand there any more."""


@dataclass(frozen=True)
class Patch:
    """Lines without their ends: `before` goes out, `after` comes in."""

    line: int  # where, from 1; behind the last line is one more
    before: tuple[str, ...]
    after: tuple[str, ...]

    def above(self, text: str) -> str:
        """The line above it."""
        return bare_lines(text)[self.line - 2] if self.line > 1 else ""


def applied(text: str, patch: Patch) -> str:
    """The text with the patch in it. Raises Stale when its preimage does not stand there."""
    lines = lines_of(text)
    start, stop = patch.line - 1, patch.line - 1 + len(patch.before)
    if start > len(lines) or tuple(bare_lines(text)[start:stop]) != patch.before:
        raise _stale(patch.before)
    return _spliced(lines, start, stop, patch.after)


def adding(text: str, items: Sequence[str]) -> Patch:
    """How rules come into the file: at the end of its section `## Learned`, made when missing."""
    lines = parse(text)
    head = next((line for line in lines if line.text == HEADING and not line.fenced), None)
    if head is None:
        gap = ("",) if lines and lines[-1].text.strip() else ()
        return Patch(len(lines) + 1, (), (*gap, HEADING, "", *items))
    anchor = _last_of_section(lines, head)
    gap = () if anchor.item else ("",)
    return Patch(anchor.number + 1, (), (*gap, *items))


def exchanging(text: str, old: Sequence[str], new: Sequence[str]) -> Patch:
    """How lines make place for others. Raises Stale."""
    return Patch(_place_of(bare_lines(text), old) + 1, tuple(old), tuple(new))


def without(text: str, items: Sequence[str], made: Sequence[str] = ()) -> Patch:
    """How lines go out of the file. `made`: what the house once wrote above its first rule, the
    heading; it goes too when nothing else stands below it. Raises Stale."""
    lines = bare_lines(text)
    start = _place_of(lines, items)
    stop = start + len(items)
    rest = next((line for line in lines[stop:] if line.strip()), "# none")
    above = tuple(lines[max(0, start - len(made)) : start])
    if made and above == tuple(made) and _HEAD.match(rest):
        start -= len(made)
    return Patch(start + 1, tuple(lines[start:stop]), ())


def restoring(text: str, block: Sequence[str], line: int, above: str) -> Patch:
    """How lines that went out come back: to where they stood, `line` below `above`, or at least
    below that; else to the end of the section of rules."""
    lines = bare_lines(text)
    items = rules_in(block)
    if HEADING in block:
        return adding(text, items)
    places = [n + 2 for n, one in enumerate(lines) if one == above]
    if line == 1:
        return Patch(1, (), tuple(block))
    if line in places or (above.strip() and places):
        return Patch(line if line in places else places[-1], (), tuple(block))
    return adding(text, items)


def rules_in(block: Sequence[str]) -> list[str]:
    """The lines of a patch without the heading that was made for them."""
    return [line for line in block if line.strip() and line != HEADING]


def _last_of_section(lines: Sequence[Line], head: Line) -> Line:
    anchor = head
    for line in lines[head.number :]:
        if not line.fenced and _HEAD.match(line.text):
            break
        anchor = line if line.text.strip() else anchor
    return anchor


def _place_of(lines: Sequence[str], block: Sequence[str]) -> int:
    """Where the lines stand in a row, from 0."""
    for start in range(len(lines) - len(block) + 1):
        if tuple(lines[start : start + len(block)]) == tuple(block):
            return start
    raise _stale([line for line in block if line not in lines] or block)


def _stale(block: Sequence[str]) -> Stale:
    return Stale(
        f'"{block[0][:80] if block else ""}" does not stand in MEMORY.md as it did:'
        " it was changed since",
        hint="`harness memory why` tells by what; what you write there yourself stays",
    )


def _spliced(lines: list[str], start: int, stop: int, new: Sequence[str]) -> str:
    """The text with `new` for those lines. It ends as it did: with an end of line or without."""
    end = next((_end_of(line) for line in lines if _end_of(line)), "\n")
    is_open = bool(lines) and not _end_of(lines[-1])
    if is_open:
        lines = [*lines[:-1], lines[-1] + end]
    text = "".join((*lines[:start], *(line + end for line in new), *lines[stop:]))
    return text.removesuffix(end) if is_open else text


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
