"""`memory`: what an agent keeps from one task to the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import structlog
from pydantic import Field

from harness.errors import HarnessError, UsageError
from harness.files import locked, read_exact, read_plain, revise
from harness.memory.lessons.lines import newline_of
from harness.memory.notes.uses import Uses
from harness.memory.search.index import Index
from harness.memory.search.units import Hit as Found
from harness.permission.action import Action, Trait
from harness.text.ages import age_in_words
from harness.text.invisible import visible
from harness.text.marks import marked, sources_of, unmarked
from harness.text.words import clip, terms, words
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

log = structlog.get_logger("memory")

NOTES = ("memory", "note", "learning", "shared")  # skills have a tool of their own
READ_LIMIT = 20_000  # characters of MEMORY.md
NOTE_LIMIT = 2_000  # characters of one note
HITS = 20
HIT_LENGTH = 300  # characters of a line that is shown
_ENTRY = re.compile(r"^(?=## \[)", re.MULTILINE)  # of a file of lessons


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Whether the call reads or writes; what it writes carries the session's mark."""
    reads = arguments.action in ("read", "search")
    trait = Trait.READS_PRIVATE if reads else Trait.CHANGES_STATE
    return replace(action, traits={trait}, about=arguments.action, inherits=not reads)


@tool(
    parallel=False,
    timeout=30,
    traits={Trait.READS_PRIVATE, Trait.CHANGES_STATE},
    plan=foreseen,
    keeps=True,
)
async def memory(
    ctx: ToolContext,
    action: Annotated[
        Literal["read", "append", "search", "log"],
        Field(description="`append` and `log` are the same: a line in today's log."),
    ],
    text: Annotated[str, Field(description="For append: what to keep, with its source.")] = "",
    query: Annotated[str, Field(description="For search: words.")] = "",
) -> Output:
    """Your own memory. `read` gives MEMORY.md, `append` adds a line to today's log, `search` finds
    notes and lessons, yours and the shared ones, the best first. MEMORY.md is not written with
    it: lessons of `learn` that prove themselves get there."""
    shelf = Shelf(ctx.home.memory(ctx.agent), ctx.home.memory_file(ctx.agent))
    match action:
        case "read":
            return await asyncio.to_thread(shelf.read)
        case "append" | "log":
            sources = list(ctx.taint.sources)
            note = ctx.keepable(unmarked(text))
            return await asyncio.to_thread(shelf.append, note, ctx.clock.now(), sources)
        case "search":
            return await asyncio.to_thread(find, ctx, shelf, query or text)


def find(ctx: ToolContext, shelf: Shelf, query: str) -> Output:
    """What the index knows of the agent's own notes and of those of all; the lines of its own
    files where there is no index, or none that works. Raises ToolError."""
    if ctx.index is None:
        return shelf.search(query)
    try:
        ctx.index.sync()  # what was kept a moment ago is found too
        found = looked_up(ctx.index, query, ctx.agent)
    except UsageError as error:
        return nothing_to_find(query, error)
    except (HarnessError, OSError) as error:
        log.warning("memory is searched line by line", agent=ctx.agent, reason=str(error))
        return shelf.search(query)
    today = ctx.clock.now().date()
    with suppress(OSError, HarnessError):  # a hint for forgetting, and no more
        Uses(ctx.home).count([hit.unit.text for hit in found], today)
    sources = [source for hit in found for source in hit.unit.outside]
    rows = [row_of(hit) for hit in found]
    text = "\n".join(told(hit, today) for hit in found)
    return Output(text or "nothing found", rows, source=whose(sources))


def nothing_to_find(query: str, error: Exception | None = None) -> Output:
    """For a query of nothing but words that every text has. Raises ToolError when it has none."""
    if words(query):
        return Output("nothing found")
    raise ToolError("query is empty: give words to look for") from error


def looked_up(index: Index, query: str, agent: str) -> list[Found]:
    """The best hits. However many strangers' words may be in, half of the places are kept for the
    house's own. Raises HarnessError, OSError."""
    look = partial(index.search, query, agent=agent, kinds=NOTES)
    found = look(k=HITS)
    if not any(hit.unit.outside for hit in found):
        return found
    own = look(k=HITS // 2, strangers=False)
    room = HITS - len(own)
    marked = [hit.id for hit in found if hit.unit.outside][:room]
    kept = [hit for hit in found if not hit.unit.outside or hit.id in marked]
    known = {hit.id for hit in kept}
    return [*kept, *(hit for hit in own if hit.id not in known)][:HITS]


def told(hit: Found, today: date) -> str:
    """A hit on one line: where it stands, how old it is, whether it still holds, what it says."""
    unit = hit.unit
    facts = [
        f"{unit.date}, {age_in_words(unit.date, today)}" if unit.date else "",
        f"superseded by {hit.superseded_by}" if hit.superseded_by else "",
        f"held until {unit.expires}" if unit.expires and unit.expires < today else "",
    ]
    about = "; ".join(fact for fact in facts if fact)
    said = clip(" ".join(unit.text.split()), HIT_LENGTH)
    return f"{unit.path}:{unit.line}{f' ({about})' if about else ''}: {said}"


def row_of(hit: Found) -> dict[str, Any]:
    unit = hit.unit
    return {
        "file": unit.path,
        "line": unit.line,
        "text": clip(unit.text, HIT_LENGTH),
        "date": unit.date.isoformat() if unit.date else None,
        "superseded_by": hit.superseded_by,
        "expires": unit.expires.isoformat() if unit.expires else None,
    }


class Shelf:
    """The memory files of one agent. Every method may raise ToolError."""

    def __init__(self, folder: Path, main: Path) -> None:
        self.folder = folder
        self.main = main

    def read(self) -> Output:
        """MEMORY.md from its top, as far as the limit goes, and what was cut."""
        text = read_plain(self.main)
        if not text or not text.strip():
            return Output(f"{self.main.name} is empty", "")
        shown = text
        if len(text) > READ_LIMIT:
            kept = text[:READ_LIMIT]
            kept = kept[: kept.rfind("\n") + 1] or kept
            rest = text[len(kept) :]
            note = f"[cut: {len(rest)} of {len(text)} characters, {rest.count(chr(10))} lines"
            shown = f"{kept}\n{note}, are not shown; find them with search]"
        return Output(shown, text, source=whose(sources_of(text)))

    def append(self, text: str, now: datetime, outside: Sequence[str] = ()) -> Output:
        """One line with the time in the log of the day (UTC); a line that is there stays single.

        `outside`: whose words the session has read; the line is marked with them.
        """
        line = marked(" ".join(unmarked(visible(text)).split()), outside)
        if not line:
            raise ToolError("text is empty: say what to keep")
        if len(line) > NOTE_LIMIT:
            raise ToolError(f"that is {len(line)} characters; a note has at most {NOTE_LIMIT}")
        path = self.folder / f"{now:%Y-%m-%d}.md"

        def change(before: str | None) -> str:
            log = f"# {now:%Y-%m-%d}\n\n" if before is None else before
            return log if says(log, line) else with_line(log, f"- {now:%H:%M}Z {line}")

        with locked(self.folder):
            known = says(read_exact(path) or "", line)
            revise(path, change)
        if known:
            return Output(f"{path.name} has that line already", {"file": path.name})
        return Output(f"kept in {path.name}", {"file": path.name})

    def search(self, query: str) -> Output:
        """The lines with most of the words, newest files first among equals."""
        wanted = terms(query)
        if not wanted:
            return nothing_to_find(query)
        found = [hit for path in self._files() for hit in hits(path, self.folder, wanted)]
        found.sort(key=lambda hit: -hit.shared)
        rows = [
            {"file": hit.file, "line": hit.line, "text": clip(hit.text, HIT_LENGTH)}
            for hit in found[:HITS]
        ]
        lines = [f"{row['file']}:{row['line']}: {row['text']}" for row in rows]
        more = [f"({len(found) - HITS} more)"] if len(found) > HITS else []
        sources = [source for hit in found for source in hit.sources]
        return Output("\n".join(lines + more) or "nothing found", rows, source=whose(sources))

    def _files(self) -> list[Path]:
        dated = sorted(self.folder.glob("*.md"), key=lambda path: path.name, reverse=True)
        learned = sorted(self.folder.glob(".learnings/*.md"))
        return [path for path in (*dated, *learned) if not path.is_symlink()]


def says(log: str, line: str) -> bool:
    """Whether a log has that line, whatever its time and its mark: an attempt that is run again
    says the same things again."""
    said = unmarked(line)
    return any(unmarked(known).partition("Z ")[2] == said for known in log.splitlines())


def with_line(log: str, line: str) -> str:
    """The log with one more line, in the way in which its lines end."""
    newline = newline_of(log)
    gap = "" if not log or log.endswith(("\n", "\r")) else newline
    return f"{log}{gap}{line}{newline}"


def whose(sources: Sequence[str]) -> str:
    """How notes are named among which some are marked as a stranger's; empty if none is."""
    named = list(dict.fromkeys(sources))
    return f"own notes after reading {', '.join(named[:3])}" if named else ""


class Hit(NamedTuple):
    """A line that a search found."""

    shared: int  # how many of the words it has
    file: str  # relative to the folder
    line: int
    text: str
    sources: Sequence[str]  # whose words they are, if somebody's from outside


def hits(path: Path, folder: Path, wanted: frozenset[str]) -> Iterator[Hit]:
    """Each line of a file that has some of the words."""
    name = path.relative_to(folder).as_posix()
    for number, (line, sources) in enumerate(told_lines(read_plain(path) or ""), start=1):
        if shared := len(wanted & terms(line)):
            yield Hit(shared, name, number, line.strip(), sources)


def told_lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """The lines of a file of notes, each with whose words it is: its own mark counts, that of the
    lesson in which it stands, and that of the file's first line."""
    whole = sources_of(text.partition("\n")[0])
    for entry in _ENTRY.split(text):
        lesson = sources_of(entry) if entry.startswith("## [") else []
        for line in entry.splitlines():
            yield line, [*whole, *lesson, *sources_of(line)]
