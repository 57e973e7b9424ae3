"""`harness correct`: a person says what was wrong, and the agent that did it learns."""

from __future__ import annotations

import os
import re
from typing import Annotated

import typer

from harness.bus.port import State, Task
from harness.bus.routed import LANE
from harness.cli.output import HomeOption, JsonOption, counted, emit, note, say, the_home
from harness.cli.posting import audit, open_bus
from harness.cli.queue import TaskArgument
from harness.cli.remembering import now_in
from harness.config.home import Home
from harness.config.settings import read_settings
from harness.errors import UsageError
from harness.memory.learning import Learning
from harness.memory.lessons.book import Book, Kept
from harness.services.correction import Correction
from harness.services.lock import holder
from harness.text.secrets import Redactor

KEY = re.compile(r"[a-z0-9-]+\.[a-z0-9_-]+")


def correct(
    task: TaskArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was wrong with it.")],
    rule: Annotated[
        str, typer.Option("--rule", help='What avoids it: "When X, do Y."; made of TEXT otherwise.')
    ] = "",
    key: Annotated[
        str, typer.Option("--key", help="Names the pattern: area.symptom, such as net.timeout.")
    ] = "",
    contradicts: Annotated[
        str, typer.Option("--contradicts", metavar="ID", help="A lesson that this shows wrong.")
    ] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell an agent what was wrong with a task of its: a lesson that counts from then on."""
    if not text.strip():
        raise UsageError("TEXT is empty: say what was wrong")
    if key and not KEY.fullmatch(key):
        raise UsageError(f"{key!r} is no key", hint="two words with a dot, such as net.timeout")
    place = the_home(home)
    correction = Correction(text, rule, key, contradicts)
    with open_bus(place) as bus:
        found = bus.reader.get(task)
        book = book_of(place, found)
        kept = correction.keep(book, found, now_in(place))
        told = found.state is State.CONFIRMED and holder(place) is not None
        if told:  # it is at work on it: what is wrong can still be put right
            bus.tell(found.id, "person", text)
    audit(place, "task.corrected", found.id, agent=found.agent, entry=kept.id)
    tell(book.get(kept.id), kept, told=told, as_json=as_json)


def book_of(home: Home, task: Task) -> Book:
    """Of the agent that did it. Raises UsageError for a task that came to none."""
    if task.agent == LANE:
        raise UsageError(f"task {task.id} named nobody and came to no agent: nobody can learn")
    similar = read_settings(home.settings_file, os.environ).memory.similar
    return Book(home, task.agent, Redactor.knowing(os.environ), similar)


def tell(entry: Learning, kept: Kept, *, told: bool, as_json: bool) -> None:
    """Where it stands, and what a person can do with it."""
    if as_json:
        emit(
            {"id": entry.id, "agent": entry.agent, "path": entry.path, "line": entry.line}
            | {"new": kept.new, "counted": kept.counted, "count": entry.count, "told": told}
        )
        return
    how = "written as" if kept.new else "counted on" if kept.counted else "already stands as"
    seen = counted(entry.count, "time")
    say(f"{how} {entry.id} ({entry.path}:{entry.line}), seen {seen}")
    if told:
        note(f"{entry.agent} is at work on it and is told")
    say(f"make it a rule now: harness memory promote {entry.id} --agent {entry.agent}")
