"""`harness skills approve` and `reject`: a person's word on a skill that lessons make."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from harness.cli.output import HomeOption, JsonOption, counted, emit, note, say, the_home
from harness.cli.posting import audit
from harness.config.skill_lint import remarks_on
from harness.memory.lessons.book import Book
from harness.memory.skills.proposals import approve as approve_it
from harness.memory.skills.proposals import reject as reject_it
from harness.text.secrets import Redactor

app = typer.Typer()

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a proposed skill.")]
NoteOption = Annotated[str | None, typer.Option("--note", help="Why; kept in the audit.")]


@app.command()
def approve(
    name: NameArgument, why: NoteOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Make a proposed skill one of skills/; its lessons are marked with it."""
    place = the_home(home)
    redactor = Redactor.knowing(os.environ)
    done = approve_it(place, name, lambda agent: Book(place, agent, redactor))
    audit(place, "skill.approved", name, entries=list(done.marked), note=why)
    for remark in remarks_on(done.skill.path):
        note(f"warning: {remark.render()}")
    if done.gone:
        note(f"not marked, as they are gone: {', '.join(done.gone)}")
    if as_json:
        emit({"skill": name, "path": done.skill.path, "marked": done.marked, "gone": done.gone})
        return
    say(f"approved {name}: {done.skill.path}, {counted(len(done.marked), 'lesson')} marked")
    say(f"an agent has it once its profile says `skills: [{name}]`")


@app.command()
def reject(
    name: NameArgument, why: NoteOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Put a proposed skill away; it does not come back."""
    place = the_home(home)
    where = reject_it(place, name)
    audit(place, "skill.rejected", name, note=why)
    if as_json:
        emit({"skill": name, "path": where})
        return
    say(f"rejected {name}: kept in {where}, and not proposed again")
