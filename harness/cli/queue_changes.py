"""`harness queue resend` and `cancel`: what a person changes in the queue."""

from __future__ import annotations

import typer

from harness.bus.port import Task
from harness.cli.output import HomeOption, JsonOption, emit, say, short, the_home
from harness.cli.posting import audit, open_bus
from harness.cli.queue import TaskArgument
from harness.cli.shapes import task_shape
from harness.cli.stale import YesOption, confirm_stale

app = typer.Typer()


@app.command()
def resend(
    task: TaskArgument,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a dead task a new budget of attempts; id, key and lineage stay."""
    place = the_home(home)
    with open_bus(place) as bus:
        found = bus.reader.get(task)
        confirm_stale([found], yes=yes)
        sent = bus.resend(found.id, actor="person")
    audit(place, "task.resent", sent.id)
    done(sent, "waits again", as_json=as_json)


@app.command()
def cancel(task: TaskArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """End a task that is not final; a session that works on it is stopped."""
    place = the_home(home)
    with open_bus(place) as bus:
        ended = bus.cancel(bus.reader.get(task).id, actor="person")
    audit(place, "task.cancelled", ended.id)
    done(ended, "cancelled", as_json=as_json)


def done(task: Task, word: str, *, as_json: bool) -> None:
    if as_json:
        emit(task_shape(task))
    else:
        say(f"{word}: task {task.id} ({short(task.title)})")
