"""`harness dead`: tasks whose attempts are used up, waiting for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from harness.bus.port import State, Task
from harness.bus.reader import Reader
from harness.cli import queue
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    age,
    emit,
    say,
    short,
    table,
    the_home,
)
from harness.cli.queue import TaskArgument, open_bus
from harness.cli.shapes import task_shape
from harness.config.durations import parse_duration
from harness.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Dead letters: a person decides.")

EVERY = 1_000_000  # rows; purge takes all there are

TasksArgument = Annotated[list[str], typer.Argument(metavar="TASK...", help="Ids of dead tasks.")]


@app.command("list")
def list_dead(
    limit: LimitOption = 50, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Every dead letter with its last error."""
    with Reader(the_home(home).database) as reader:
        tasks = reader.dead(limit)
    if as_json:
        emit([task_shape(task) for task in tasks])
        return
    rows = [
        (task.id, task.agent, task.attempt, age(task.updated_at), short(task.title, 30), task.error)
        for task in tasks
    ]
    table(("task", "agent", "tries", "died", "title", "error"), rows, "no dead letters")


@app.command()
def show(task: TaskArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """One dead letter, event by event."""
    with Reader(the_home(home).database) as reader:
        found = the_dead(reader, task)
    queue.show(found.id, home=home, as_json=as_json)


@app.command()
def resend(tasks: TasksArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Try them again with a new budget of attempts; id, key and lineage stay."""
    with open_bus(the_home(home)) as bus:
        found = [the_dead(bus.reader, task) for task in tasks]
        sent = [bus.resend(task.id, actor="person") for task in found]
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
    with open_bus(the_home(home)) as bus:
        ended = [
            bus.cancel(task.id, actor="person", note="purged")
            for task in bus.reader.dead(EVERY)
            if task.updated_at <= before
        ]
    if as_json:
        emit([task_shape(task) for task in ended])
        return
    say(f"{len(ended)} dead letters ended as cancelled")


def the_dead(reader: Reader, prefix: str) -> Task:
    """The dead letter of that id. Raises NotFound, also for a task that is not dead."""
    task = reader.get(prefix)
    if task.state is not State.DEAD:
        raise NotFound(
            f"task {task.id} is no dead letter: it is in {task.state}",
            hint=f"look at it with: harness queue show {task.id}",
        )
    return task
