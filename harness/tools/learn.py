"""`learn`: a mistake and the rule that would have avoided it, as an entry of .learnings/."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.clock import stamp
from harness.files import locked, mode_of, read_plain, write_whole
from harness.text.invisible import visible
from harness.text.words import fold
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

FILE = "LEARNINGS.md"
# what would start or end an entry, were it to stand in one
_STRUCTURE = re.compile(r"^(?=\s*(?:#|-{3,}\s*$|```|~~~))", re.MULTILINE)


@tool(parallel=False, timeout=30)
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
    lesson = Lesson(one_line(summary), harmless(details), category, pattern_key, ctx.task.id)
    folder = ctx.home.memory(ctx.agent) / ".learnings"
    return await asyncio.to_thread(lesson.keep, folder, ctx.clock.now())


class Lesson:
    """One entry on its way into the file."""

    def __init__(
        self, summary: str, details: str, category: str, pattern_key: str, task: str
    ) -> None:
        self.summary = summary
        self.details = details
        self.category = category
        self.pattern_key = pattern_key
        self.task = task

    def keep(self, folder: Path, now: datetime) -> Output:
        """Append the entry, unless this task wrote it before. Raises ToolError."""
        if not self.summary:
            raise ToolError("summary is empty: say what was learned")
        path = folder / FILE
        with locked(folder):
            before = read_plain(path) or "# Learnings\n"
            if known := self._written(before):
                return Output(f"already written as {known}", {"id": known})
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
            f"### Metadata\n- Source: conversation\n- Task: {self.task}\n{pattern}"
            f"- Recurrence-Count: 1\n- First-Seen: {day}\n- Last-Seen: {day}\n\n---\n"
        )


def next_number(before: str, now: datetime) -> int:
    """The next free number of the day."""
    used = re.findall(rf"^## \[LRN-{now:%Y%m%d}-(\d+)\]", before, flags=re.MULTILINE)
    return 1 + max(map(int, used), default=0)


def one_line(text: str) -> str:
    return harmless(" ".join(text.split()))


def harmless(text: str) -> str:
    """The text with nothing in it that a reader of the file takes for the file's own structure."""
    return _STRUCTURE.sub(r"\\", visible(text).strip())
