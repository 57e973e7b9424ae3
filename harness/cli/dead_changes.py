"""`harness dead resend` and `purge`: what a person decides on dead letters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from harness.cli.dead import the_dead
from harness.cli.output import HomeOption, JsonOption, age, emit, say, short, the_home
from harness.cli.posting import audit, open_bus
from harness.cli.shapes import task_shape
from harness.cli.stale import YesOption, confirm_stale
from harness.config.durations import parse_duration

app = typer.Typer()

EVERY = 1_000_000  # rows; purge takes all there are

TasksArgument = Annotated[list[str], typer.Argument(metavar="TASK...", help="Ids of dead tasks.")]


@app.command()
def resend(
    tasks: TasksArgument,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try them again with a new budget of attempts; id, key and lineage stay."""
    place = the_home(home)
    with open_bus(place) as bus:
        found = [the_dead(bus.reader, task) for task in tasks]
        confirm_stale(found, yes=yes)
        sent = [bus.resend(task.id, actor="person") for task in found]
    audit(place, "dead.resent", *(task.id for task in sent))
    if as_json:
        emit([task_shape(task) for task in sent])
        return
    for task in sent:
        say(f"waits again: task {task.id}, asked {age(task.created_at)} ({short(task.title)})")


@app.command()
def purge(
    older: Annotated[
        str, typer.Option("--older", help="Only those that died so long ago, like 30d.")
    ] = "0s",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End dead letters as cancelled; they stay in the log."""
    before = datetime.now(UTC) - parse_duration(older)
    place = the_home(home)
    with open_bus(place) as bus:
        ended = [
            bus.cancel(task.id, actor="person", note="purged")
            for task in bus.reader.dead(EVERY)
            if task.updated_at <= before
        ]
    audit(place, "dead.purged", *(task.id for task in ended), older=older)
    if as_json:
        emit([task_shape(task) for task in ended])
        return
    say(f"{len(ended)} dead letters ended as cancelled")
