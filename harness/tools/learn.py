"""`learn`: a mistake and the rule that would have avoided it, as an entry of .learnings/."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.clock import stamp
from harness.files import locked, mode_of, read_plain, write_whole
from harness.permission.action import Action, Trait
from harness.text.invisible import visible
from harness.text.marks import tidy
from harness.text.words import fold
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

FILE = "LEARNINGS.md"
QUARANTINE = "Trust: quarantine, after reading "
MOST = 8  # sources that an entry names
# what would start or end an entry, were it to stand in one
_STRUCTURE = re.compile(r"^(?=\s*(?:#|-{3,}\s*$|```|~~~))", re.MULTILINE)


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
        return f"- {QUARANTINE}{', '.join(self.outside[:MOST])}\n" if self.outside else ""


def confirmed(before: str, lesson: Lesson) -> str:
    """The file with those entries out of quarantine that the lesson confirms: another task's,
    of the same pattern or in the same words, by a session that read none of the same sources."""
    entries = re.split(r"^(?=## \[)", before, flags=re.MULTILINE)
    return "".join(
        freed(entry, lesson) if says_the_same(entry, lesson) else entry for entry in entries
    )


def says_the_same(entry: str, lesson: Lesson) -> bool:
    if f"- Task: {lesson.task}\n" in entry:
        return False
    key = lesson.pattern_key
    summary = re.search(r"^### Summary\n(.*)$", entry, flags=re.MULTILINE)
    same_words = summary is not None and fold(summary[1]) == fold(lesson.summary)
    return same_words or bool(key and f"- Pattern-Key: {key}\n" in entry)


def freed(entry: str, lesson: Lesson) -> str:
    held = re.search(rf"^- {QUARANTINE}(.*)$", entry, flags=re.MULTILINE)
    if held is None or not set(held[1].split(", ")).isdisjoint(lesson.outside):
        return entry
    return entry.replace(held[0], f"- Trust: confirmed by task {lesson.task}")


def next_number(before: str, now: datetime) -> int:
    """The next free number of the day."""
    used = re.findall(rf"^## \[LRN-{now:%Y%m%d}-(\d{{1,9}})\]", before, flags=re.MULTILINE)
    return 1 + max(map(int, used), default=0)


def one_line(text: str) -> str:
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """The text with nothing in it that a reader of the file takes for the file's own structure."""
    return _STRUCTURE.sub(r"\\", visible(text).strip())
