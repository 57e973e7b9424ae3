"""MEMORY.md as lines: which of them a person wrote, which are rules, and what each rule rests on.

A rule is one list item that ends in its provenance:
`- When X, do Y. <!-- learned 2026-11-18: ERR-20261116-001; seen 3 times in 3 tasks,
2026-11-16 to 2026-11-18; rule 01KX... -->`, all of it in one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from harness.memory.expiry import expiry_told
from harness.memory.fences import fence_after
from harness.text.lines import lines_of

HEADING = "## Learned"
_ENTRY = r"[A-Za-z]+-\d{8}-\w+"
_DAY = r"\d{4}-\d\d-\d\d"
_RULE = re.compile(
    rf"- (?P<text>\S.*?) <!-- learned (?P<promoted>{_DAY}): (?P<entries>{_ENTRY}(?:, {_ENTRY})*);"
    r" seen (?P<count>\d+) times? in (?P<tasks>\d+) tasks?,"
    rf" (?P<first>{_DAY}) to (?P<last>{_DAY}); rule (?P<id>[0-9A-HJKMNP-TV-Z]{{26}}) -->"
    r"(?P<more>(?:\s*+<!--(?:(?!-->).)*+-->)*+)\s*+"
)
_MACHINE = re.compile(r"<!--\s*(?:trigger|importance):[^<>]*-->", re.IGNORECASE)
_SHORT_TERM = re.compile(r"##\s+Promoted From Short-Term Memory\b", re.IGNORECASE)
_HEAD = re.compile(r"(#{1,6})\s")
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+\S")
_SOURCE = re.compile(r"\s*Source:\s+\S+#L\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """What a promoted line says, and what it rests on."""

    id: str  # of the change that made it
    text: str
    entries: tuple[str, ...]  # ids of lessons
    count: int
    tasks: int
    first: date
    last: date
    promoted: date
    more: str = ""  # further comments behind the provenance, such as an expiry

    def line(self) -> str:
        """As it stands in the file, without an end of line."""
        return (
            f"- {self.text} <!-- learned {self.promoted}: {', '.join(self.entries)};"
            f" seen {_times(self.count, 'time')} in {_times(self.tasks, 'task')},"
            f" {self.first} to {self.last}; rule {self.id} -->{self.more}"
        )


@dataclass(frozen=True)
class Line:
    """One line of the file."""

    number: int  # from 1
    text: str  # without its end
    end: str  # "\n", "\r\n" or ""
    rule: Rule | None
    hand_written: bool
    expires: date | None
    item: bool  # a list item: an entry of the memory
    fenced: bool  # part of a block of code, its fences included

    @property
    def whole(self) -> str:
        return self.text + self.end

    @property
    def says(self) -> str:
        """What it says, as `bare`; nothing for headings and code."""
        return "" if self.fenced or _HEAD.match(self.text) else bare(self.text)


def parse(text: str) -> list[Line]:
    """The lines of a MEMORY.md, in order. `render` gives the text back to the byte."""
    return list(_lines(text))


def render(lines: Iterable[Line]) -> str:
    return "".join(line.whole for line in lines)


def rule_of(line: str) -> Rule | None:
    """The rule that a line is; None when it is something else, or its provenance is off."""
    found = _RULE.fullmatch(line)
    if found is None:
        return None
    try:
        days = {name: date.fromisoformat(found[name]) for name in ("first", "last", "promoted")}
    except ValueError:
        return None
    return Rule(
        id=found["id"],
        text=found["text"],
        entries=tuple(found["entries"].split(", ")),
        count=int(found["count"]),
        tasks=int(found["tasks"]),
        more=found["more"],
        **days,
    )


def bare(line: str) -> str:
    """What a line says: without its bullet and its comments."""
    said = re.sub(r"<!--.*?-->", " ", line)
    return " ".join(re.sub(r"^\s*(?:[-*+]|\d+[.)]|#{1,6})\s+", "", said).split())


def _lines(text: str) -> Iterator[Line]:
    fence, short_term = "", False
    for number, whole in enumerate(lines_of(text), 1):
        line = whole.rstrip("\r\n")
        before, fence = fence, fence_after(fence, line)
        fenced = bool(before or fence)
        if not fenced and _HEAD.match(line):
            short_term = bool(_SHORT_TERM.match(line)) or (short_term and line.startswith("###"))
        rule = None if fenced else rule_of(line)
        item = not fenced and bool(_ITEM.match(line))
        machine = not fenced and (rule is not None or _is_machine(line, item, short_term))
        expires = None if fenced else expiry_told(line)
        yield Line(number, line, whole[len(line) :], rule, not machine, expires, item, fenced)


def _is_machine(line: str, item: bool, short_term: bool) -> bool:
    if item and _MACHINE.search(line):
        return True
    return short_term and (item or bool(_HEAD.match(line)) or bool(_SOURCE.match(line)))


def _times(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
