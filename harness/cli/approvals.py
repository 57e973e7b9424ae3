"""`harness approvals`: the calls that agents may not make without a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from harness.bus.port import Approval, ApprovalState, Task
from harness.bus.reader import Reader
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    age,
    emit,
    facts,
    local,
    say,
    short,
    table,
    the_home,
    told,
)
from harness.cli.queue import AgentOption
from harness.cli.shapes import approval_shape
from harness.text.invisible import escaped

app = typer.Typer(no_args_is_help=True, help="Calls that wait for a person: yes or no.")

ApprovalArgument = Annotated[
    str, typer.Argument(metavar="APPROVAL", help="An id, or the unique beginning of one.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Also those that are decided or over.")]
StateOption = Annotated[
    ApprovalState | None, typer.Option("--state", help="Only those in this state.")
]


@app.command("list")
def list_approvals(
    everything: AllOption = False,
    state: StateOption = None,
    agent: AgentOption = None,
    limit: LimitOption = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The calls that wait for your word, the one that waits longest first."""
    now = datetime.now(UTC)
    with Reader(the_home(home).database) as reader:
        waiting = reader.pending_approvals(now)
        found = [each for each in waiting if agent in (None, each.agent)]
        if everything or state:
            old = reader.approvals(now, state=state, agent=agent, limit=limit + len(waiting))
            first = [each for each in found if state in (None, ApprovalState.PENDING)]
            found = [*first, *(each for each in old if each not in first)]
    found, still = found[:limit], {each.id for each in waiting}
    if as_json:
        emit([approval_shape(each, now, is_open=each.id in still) for each in found])
        return
    rows = [
        (
            each.id,
            state_of(each, now, is_open=each.id in still),
            each.agent,
            each.task,
            each.tool,
            short(each.shown, 40),
            short(escaped(each.reason), 40),
            "-" if each.state is ApprovalState.DENIED else age(each.expires_at, now),
        )
        for each in found
    ]
    headers = ("approval", "state", "agent", "task", "tool", "call", "why", "expires")
    table(headers, rows, "nothing waits for you")


def state_of(approval: Approval, now: datetime, *, is_open: bool) -> str:
    """Its state in one word; a question whose task is over is none any more."""
    state = approval.at(now)
    return "void" if state is ApprovalState.PENDING and not is_open else str(state)


@app.command()
def show(approval: ApprovalArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """One call as it would be made, why you are asked, and what was said to it."""
    now = datetime.now(UTC)
    with Reader(the_home(home).database) as reader:
        found = reader.approval(approval)
        task = reader.get(found.task)
        is_open = found in reader.pending_approvals(now)
    if as_json:
        emit(approval_shape(found, now, is_open=is_open))
        return
    facts(
        {
            "approval": found.id,
            "state": state_of(found, now, is_open=is_open),
            "agent": found.agent,
            "task": about(task),
            "asked": f"{local(found.asked_at)} ({age(found.asked_at, now)})",
            "why": escaped(found.reason),
            **answer(found, now),
            "hash": found.call,
        }
    )
    say()
    show_call(found)
    if is_open:
        say(f"\nyes: harness approvals approve {found.id}")
        say(f'no:  harness approvals deny {found.id} --note "what to do instead"')


def about(task: Task) -> str:
    """Which task it is, and what it is about."""
    return f"{task.id}, {task.outcome or task.state}: {short(task.prompt, 100)}"


def answer(approval: Approval, now: datetime) -> dict[str, object]:
    """What was said to it, or how long there is time for that."""
    until = f"{local(approval.expires_at)} ({age(approval.expires_at, now)})"
    if approval.decided_at is None:
        return {"expires": until}
    said = f"{approval.state} by {approval.decided_by} {age(approval.decided_at, now)}"
    holds = until if approval.state is ApprovalState.APPROVED else None
    return {"decided": said, "note": approval.note, "holds until": holds}


def show_call(approval: Approval) -> None:
    """The whole call, in a form in which nothing in it can hide or pass for something else."""
    say(f"{approval.tool}")
    for line in written_out(approval.shown):
        say(f"  {told(line)}")


def written_out(shown: str) -> Iterator[str]:
    """Arguments, given as JSON, one after the other; each line of a text stands behind a bar."""
    try:
        arguments = json.loads(shown)
    except ValueError:  # what was made visible in it is no JSON
        yield shown
        return
    for name, value in arguments.items():
        yield f"{escaped(name)}:"
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield from (f"  | {escaped(line)}" for line in text.split("\n"))
