"""`harness memory show`, `why` and `changes`: what an agent knows for good, and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    counted,
    emit,
    facts,
    local,
    paint,
    say,
    short,
    table,
    the_home,
    told,
)
from harness.cli.remembering import check_agent, chosen, longterm, whoever
from harness.config.settings import read_settings
from harness.errors import HarnessError, NotFound
from harness.memory.learning import Learning
from harness.memory.rules.journal import Change
from harness.memory.rules.lines import Line, bare
from harness.memory.rules.longterm import LongTerm, Provenance
from harness.text.tokens import estimate_tokens

AgentOption = Annotated[str | None, typer.Option("--agent", help="Whose memory is meant.")]
NOTES = 5  # daily logs that are named
WHY_HINT = "the numbers and words of lines: harness memory show AGENT"


def show(
    agent: Annotated[str, typer.Argument(metavar="A", help="An agent.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One agent's MEMORY.md with the numbers of its lines, and what else it keeps."""
    place = the_home(home)
    check_agent(place, agent)
    memory = longterm(place, agent)
    limit = read_settings(place.settings_file, os.environ).memory.limit
    lines, entries = memory.lines(), memory.book.learnings()
    text = "".join(line.whole for line in lines)
    size = estimate_tokens(text)
    notes = sorted((path.name for path in place.memory(agent).glob("*-*-*.md")), reverse=True)
    if as_json:
        about = {"agent": agent, "path": path_of(memory), "tokens": size, "limit": limit}
        shown = [line_shape(line) for line in lines if line.text.strip()]
        emit({**about, "text": text, "lines": shown, "notes": notes, "lessons": census(entries)})
        return
    for line in lines:
        say(f"{paint(f'{line.number:4}', 'dim')}  {told(line_told(line))}")
    say() if lines else say(f"{path_of(memory)} is empty: nothing was promoted yet")
    over = ", more than the weekly compression leaves" if size > limit else ""
    facts(
        {
            "size": f"about {size:,} of {limit:,} tokens{over}",
            "lessons": ", ".join(f"{n} {status}" for status, n in census(entries).items()) or "-",
            "notes": ", ".join(notes[:NOTES]) or "-",
        }
    )


def path_of(memory: LongTerm) -> str:
    return memory.path.relative_to(memory.home.root).as_posix()


def line_told(line: Line) -> str:
    """The line, with a rule's provenance in few words."""
    if line.rule is None:
        return line.text
    seen = f"since {line.rule.promoted}, seen {counted(line.rule.count, 'time')}"
    mine = "; edited by hand" if line.hand_written else ""
    return f"- {line.rule.text} ({seen}; {', '.join(line.rule.entries)}{mine})"


def census(entries: list[Learning]) -> Mapping[str, int]:
    """How many entries there are in each status."""
    return dict(Counter(entry.status or "unknown" for entry in entries).most_common())


def line_shape(line: Line) -> Mapping[str, Any]:
    rule = line.rule
    return {
        "line": line.number,
        "text": rule.text if rule else line.text,
        "hand_written": line.hand_written,
        "expires": line.expires,
        "rule": rule and rule.id,
        "entries": list(rule.entries) if rule else [],
        "promoted": rule and rule.promoted,
        "count": rule and rule.count,
    }


def why(
    line: Annotated[
        str,
        typer.Argument(metavar="LINE", help="A line's number or words, a rule's or an entry's id."),
    ],
    agent: AgentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a line of MEMORY.md rests on: lessons, dates, counts, and the changes that made it."""
    memory, found = whoever(
        the_home(home), agent, f'"{line}"', lambda each: because(each, line), WHY_HINT
    )
    if as_json:
        emit(provenance_shape(memory.agent, found))
        return
    tell(memory, found)


def because(memory: LongTerm, wanted: str) -> Provenance:
    """As `why`; of a lesson that is no rule, it says that. Raises NotFound; HarnessError."""
    try:
        return memory.why(wanted)
    except NotFound:
        entries = {entry.id: entry for entry in memory.book.learnings()}
        if wanted not in entries:
            raise
    entry = entries[wanted]
    raise HarnessError(
        f"no line of {path_of(memory)} rests on {wanted}: it is a lesson, {entry.status}",
        hint=f"what it lacks: harness memory learnings {memory.agent}",
    )


def tell(memory: LongTerm, found: Provenance) -> None:
    where = f"{path_of(memory)}:{found.line.number}" if found.line else "it stands there no more"
    if found.line and not found.line.says:
        say(f"{where}: a heading, code or empty, and no memory by itself")
        return
    if found.rule is None:
        say(f"{where}: {wrote(found.line)} wrote this line")
        say(f"  {told(bare(found.line.text)) if found.line else ''}")
        return
    rule = found.rule
    facts(
        {
            "rule": rule.text,
            "where": where,
            "id": rule.id,
            "since": rule.promoted,
            "seen": f"{counted(rule.count, 'time')} in {counted(rule.tasks, 'task')}, "
            f"{rule.first} to {rule.last}",
            "hand": "a person has edited the line"
            if found.line and found.line.hand_written
            else None,
        }
    )
    say("\nit rests on")
    for entry in found.entries:
        say(f"  {entry.id}  {entry.path}:{entry.line}  {short(entry.summary, 80)}")
    for missing in found.missing:
        say(f"  {missing}  is not there any more")
    say("\nwhat was done")
    for change in found.changes:
        reason = f"  ({told(short(change.reason, 80))})" if change.reason else ""
        say(f"  {local(change.at)}  {change.action} by {told(change.by)}{reason}")
    if found.changes:
        say(f"\ntake it back: harness memory undo {found.changes[-1].id}")


def wrote(line: Line | None) -> str:
    return "a person" if line is None or line.hand_written else "another program"


def provenance_shape(agent: str, found: Provenance) -> Mapping[str, Any]:
    return {
        "agent": agent,
        "line": found.line and line_shape(found.line),
        "rule": found.rule and found.rule.id,
        "text": found.rule.text if found.rule else found.line and bare(found.line.text),
        "entries": [
            {"id": entry.id, "path": entry.path, "line": entry.line, "summary": entry.summary}
            for entry in found.entries
        ],
        "missing": list(found.missing),
        "changes": [change_shape(agent, change) for change in found.changes],
    }


def changes(
    agent: Annotated[str | None, typer.Argument(metavar="[A]", help="One agent's alone.")] = None,
    limit: LimitOption = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the house changed in MEMORY.md, the newest first; each can be taken back by its id."""
    place = the_home(home)
    made = [
        (name, change)
        for name in chosen(place, agent)
        for change in longterm(place, name).journal.changes()
    ]
    made.sort(key=lambda each: each[1].at, reverse=True)
    made = made[:limit]
    if as_json:
        emit([change_shape(name, change) for name, change in made])
        return
    rows = [
        (change.id, name, local(change.at), change.action, change.by, short(gist(change), 80))
        for name, change in made
    ]
    table(("change", "agent", "at", "what", "by", "line"), rows, "nothing was changed yet")


def gist(change: Change) -> str:
    """The first line that came, or else that went."""
    lines = (change.after or change.before).splitlines()
    return next((bare(line) for line in reversed(lines) if line.startswith("- ")), "")


def change_shape(agent: str, change: Change) -> Mapping[str, Any]:
    return {
        "id": change.id,
        "agent": agent,
        "at": change.at,
        "by": change.by,
        "action": change.action,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "entries": list(change.entries),
        "undoes": change.undoes or None,
        "reason": change.reason,
    }
