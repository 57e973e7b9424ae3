"""`learn`: a mistake and the rule that would have avoided it, as an entry of .learnings/."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.clock import stamp
from harness.files import locked, mode_of, read_plain, write_whole
from harness.permission.action import Action, Trait
from harness.permission.taint import site_of
from harness.text.invisible import visible
from harness.text.marks import QUARANTINE, hosts_of, tidy
from harness.text.words import fold
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

FILE = "LEARNINGS.md"
MOST = 8  # sources that an entry names
# what would start or end an entry, or be one of its facts, were it to stand in one
_STRUCTURE = re.compile(
    r"^(?=\s*(?:#|-{3,}\s*$|```|~~~|[-*+]\s+[A-Z][\w-]*:|\*\*[A-Z]))", re.MULTILINE
)
_UNNAMED = re.compile(r"\band \d+ more\b")
_COMMENT = re.compile(r"<(?=!--)")


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """A lesson carries the session's mark."""
    return replace(action, about=arguments.category, inherits=True)


@tool(parallel=False, timeout=30, traits={Trait.CHANGES_STATE}, plan=foreseen)
async def learn(
    ctx: ToolContext,
    summary: Annotated[str, Field(min_length=3, max_length=500, description="One sentence.")],
    details: Annotated[
        str, Field(max_length=4_000, description="What happened, and the rule that follows.")
    ] = "",
    category: Annotated[
        Literal["correction", "insight", "knowledge_gap", "best_practice"],
        Field(description="What sort of lesson it is."),
    ] = "insight",
    pattern_key: Annotated[
        str,
        Field(
            pattern=r"^([a-z0-9-]+\.[a-z0-9_-]+)?$",
            description="Names the pattern as area.symptom, such as net.timeout; may be left out.",
        ),
    ] = "",
) -> Output:
    """Write down a lesson for yourself: what went wrong, and the rule that would have avoided it.
    Lessons that prove themselves are promoted into your memory."""
    lesson = Lesson(
        one_line(ctx.keepable(summary)),
        harmless(ctx.keepable(details)),
        category,
        pattern_key,
        ctx.task.id,
        tuple(tidy(source) for source in ctx.taint.sources),
    )
    folder = ctx.home.memory(ctx.agent) / ".learnings"
    return await asyncio.to_thread(lesson.keep, folder, ctx.clock.now())


@dataclass(frozen=True)
class Lesson:
    """One entry on its way into the file.

    One of a session that has read a stranger's words is in quarantine until a session says the
    same that has not read them.
    """

    summary: str
    details: str
    category: str
    pattern_key: str
    task: str
    outside: tuple[str, ...] = ()  # whose words the session has read

    def keep(self, folder: Path, now: datetime) -> Output:
        """Append the entry, unless this task wrote it before. Raises ToolError."""
        if not self.summary:
            raise ToolError("summary is empty: say what was learned")
        path = folder / FILE
        with locked(folder):
            before = read_plain(path) or "# Learnings\n"
            if known := self._written(before):
                return Output(f"already written as {known}", {"id": known})
            before = confirmed(before, self)
            number = f"LRN-{now:%Y%m%d}-{next_number(before, now):03d}"
            entry = self._render(number, now)
            write_whole(path, f"{before.rstrip()}\n\n{entry}", mode=mode_of(path))
        return Output(f"written as {number}", {"id": number})

    def _written(self, before: str) -> str | None:
        """The entry of this task with the same summary: an attempt that is run again."""
        for entry in re.split(r"^(?=## \[)", before, flags=re.MULTILINE):
            head = re.match(r"## \[([^\]]+)\]", entry)
            if head and f"- Task: {self.task}" in entry and fold(self.summary) in fold(entry):
                return head[1]
        return None

    def _render(self, number: str, now: datetime) -> str:
        day = f"{now:%Y-%m-%d}"
        pattern = f"- Pattern-Key: {self.pattern_key}\n" if self.pattern_key else ""
        details = f"### Details\n{self.details}\n\n" if self.details else ""
        return (
            f"## [{number}] {self.category}\n\n"
            f"**Logged**: {stamp(now)}\n**Priority**: medium\n**Status**: pending\n\n"
            f"### Summary\n{self.summary}\n\n{details}"
            f"### Metadata\n- Source: conversation\n- Task: {self.task}\n{self._trust()}{pattern}"
            f"- Recurrence-Count: 1\n- First-Seen: {day}\n- Last-Seen: {day}\n\n---\n"
        )

    def _trust(self) -> str:
        """That the entry is in quarantine, and because of whom."""
        if not self.outside:
            return ""
        more = len(self.outside) - MOST
        rest = f", and {more} more" if more > 0 else ""
        return f"- {QUARANTINE}{', '.join(self.outside[:MOST])}{rest}\n"


def confirmed(before: str, lesson: Lesson) -> str:
    """The file with those entries out of quarantine that the lesson confirms: another task's, in
    the same words, by a session that read no source of the same owner."""
    entries = re.split(r"^(?=## \[)", before, flags=re.MULTILINE)
    return "".join(
        freed(entry, lesson) if says_the_same(entry, lesson) else entry for entry in entries
    )


def says_the_same(entry: str, lesson: Lesson) -> bool:
    """Another task's entry with the words of the lesson, and no more: who confirms a summary has
    not confirmed details that he did not see."""
    if f"- Task: {lesson.task}\n" in entry:
        return False
    details = part(entry, "Details")
    same_details = not details or fold(details) == fold(lesson.details)
    return same_details and fold(part(entry, "Summary")) == fold(lesson.summary)


def part(entry: str, name: str) -> str:
    """What stands below a heading of an entry."""
    found = re.search(rf"^### {name}\n(.*?)(?=^### |\Z)", entry, flags=re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def freed(entry: str, lesson: Lesson) -> str:
    held = re.search(rf"^- {QUARANTINE}(.*)$", entry, flags=re.MULTILINE)
    if held is None or not independent(held[1], lesson.outside):
        return entry
    return entry.replace(held[0], f"- Trust: confirmed by task {lesson.task}")


def independent(held: str, outside: Sequence[str]) -> bool:
    """Whether a session that read nobody, or nobody of those behind an entry, says a thing again.
    Where not all are named, nobody can tell."""
    if not outside:
        return True
    told = (held, *outside)
    if any(_UNNAMED.search(text) or not owners(text) for text in told):
        return False
    return owners(held).isdisjoint(owners(" ".join(outside)))


def owners(sources: str) -> set[str]:
    """The domains in names of sources: hosts of one owner are one witness."""
    return {site_of(f"http://{host}") for host in hosts_of([sources])}


def next_number(before: str, now: datetime) -> int:
    """The next free number of the day."""
    used = re.findall(rf"^## \[LRN-{now:%Y%m%d}-(\d{{1,9}})\]", before, flags=re.MULTILINE)
    return 1 + max(map(int, used), default=0)


def one_line(text: str) -> str:
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """The text with nothing in it that a reader of the file takes for the file's own structure."""
    return _COMMENT.sub(r"<\\", _STRUCTURE.sub(r"\\", visible(text).strip()))
