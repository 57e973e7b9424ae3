"""`harness memory promote` and `undo`: a person's word on what an agent remembers."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from harness.cli.history import keep_history
from harness.cli.longterm import AgentOption, change_shape, gist, path_of
from harness.cli.output import HomeOption, JsonOption, emit, say, the_home, told
from harness.cli.posting import audit, login_name
from harness.cli.proposed import taken_back
from harness.cli.remembering import now_in, whoever
from harness.errors import HarnessError, NotFound
from harness.memory.learning import Learning, Status
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.rule_text import worded

TEAM = ""  # whose memory the pages of the team are: nobody's
ENTRY = re.compile(r"[A-Za-z]+-\d{8}-\w+")


def promote(
    entry: Annotated[str, typer.Argument(metavar="ID", help="An entry of .learnings/.")],
    rule: Annotated[
        str | None, typer.Option("--rule", help="Its words: When X, do Y. Else they are made.")
    ] = None,
    agent: AgentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a lesson a rule of MEMORY.md now, however often it was seen: you have verified it."""
    place = the_home(home)
    memory, found = whoever(place, agent, entry, lambda each: each.book.get(entry))
    check_new(memory, found, rule)
    text = rule or worded(found)
    by, now = f"person:{login_name()}", now_in(place)
    done(memory, memory.promote([found], text, by, now), "promoted", as_json=as_json)


def check_new(memory: LongTerm, entry: Learning, rule: str | None) -> None:
    """Raises HarnessError for a lesson that is a rule and is given no other words."""
    if entry.status != Status.PROMOTED or rule is not None:
        return
    for line in memory.lines():
        if line.rule and entry.id in line.rule.entries:
            raise HarnessError(
                f"{entry.id} is a rule already: {path_of(memory)}:{line.number}",
                hint=f"what it rests on: harness memory why {line.number} --agent {memory.agent}",
            )


def undo(
    change: Annotated[
        str, typer.Argument(metavar="ID", help="A change, or the rule or entry that it promoted.")
    ],
    agent: AgentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a change of MEMORY.md back. Its lessons are observed again, and need to be seen anew.
    An approved proposal leaves the page of the team."""
    place = the_home(home)
    if back := taken_back(place, change):
        audit(place, "memory.undone", back.id, entries=back.entries)
        tell(back, back.path, "undone", TEAM, as_json=as_json)
        return
    memory, found = whoever(
        place, agent, change, lambda each: meant(each, change), "see: harness memory changes"
    )
    by, now = f"person:{login_name()}", now_in(place)
    done(memory, memory.undo(found.id, by, now), "undone", as_json=as_json)


def meant(memory: LongTerm, wanted: str) -> Change:
    """The change of that id, or the last one that made a rule of that entry. Raises NotFound."""
    if not ENTRY.fullmatch(wanted):
        return memory.journal.get(wanted)
    for change in reversed(memory.journal.changes()):
        if wanted in change.entries and change.action in (Act.PROMOTE, Act.MERGE):
            return change
    raise NotFound(f"{wanted} was never promoted", hint="see: harness memory changes")


def done(memory: LongTerm, change: Change, what: str, *, as_json: bool) -> None:
    """Record what a person did, and tell it."""
    audit(memory.home, f"memory.{what}", change.id, agent=memory.agent, entries=change.entries)
    keep_history(memory, f"{what.capitalize()} by a person: {gist(change)}")
    tell(change, path_of(memory), what, memory.agent, as_json=as_json)


def tell(change: Change, path: str, what: str, agent: str, *, as_json: bool) -> None:
    if as_json:
        emit(change_shape(agent, change))
        return
    say(f"{what}: {told(gist(change))}")
    say(f"{path}, change {change.id}; take it back: harness memory undo {change.id}")
