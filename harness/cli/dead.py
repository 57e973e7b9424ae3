"""`harness dead`: tasks whose attempts are used up, waiting for a person."""

from __future__ import annotations

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
    short,
    table,
    the_home,
)
from harness.cli.queue import TaskArgument
from harness.cli.shapes import task_shape
from harness.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Dead letters: a person decides.")


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


def the_dead(reader: Reader, prefix: str) -> Task:
    """The dead letter of that id. Raises NotFound, also for a task that is not dead."""
    task = reader.get(prefix)
    if task.state is not State.DEAD:
        raise NotFound(
            f"task {task.id} is no dead letter: it is in {task.state}",
            hint=f"look at it with: harness queue show {task.id}",
        )
    return task
