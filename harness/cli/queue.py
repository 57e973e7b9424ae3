"""`harness queue`: what was asked, where it stands, and how it went, event by event."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from harness.bus.port import Approval, Event, State, Task
from harness.bus.reader import Reader
from harness.bus.routed import LANE, decided
from harness.cli.following import Following, Screen, print_json
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    age,
    clean,
    emit,
    facts,
    local,
    say,
    short,
    table,
    the_home,
    told,
)
from harness.cli.shapes import event_shape, task_shape
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Tasks: what waits, runs, and is over.")

LOOK_SECONDS = 0.2
NOT_AGENTS = {"AGENTS", "USER"}  # markdown files beside the profiles
TaskArgument = Annotated[
    str, typer.Argument(metavar="TASK", help="An id, or the unique beginning of one.")
]
StateOption = Annotated[State | None, typer.Option("--state", help="Only tasks in this state.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Only tasks of this agent.")]


@app.command("list")
def list_tasks(
    state: StateOption = None,
    agent: AgentOption = None,
    limit: LimitOption = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The newest tasks."""
    place = the_home(home)
    with Reader(place.database) as reader:
        tasks = reader.tasks(state=state, agent=agent, limit=limit)
        asked = questions_of(reader)
    if not tasks and agent is not None:
        check_agent(place, agent)
    if as_json:
        emit([task_shape(task) | waits_shape(asked[task.id]) for task in tasks])
        return
    rows = [
        (
            task.id,
            task.agent,
            task.state,
            task.outcome,
            f"{task.attempt}/{task.max_attempts}",
            age(task.updated_at),
            short(task.title, 40),
        )
        for task in tasks
    ]
    headers = ("task", "agent", "state", "outcome", "tries", "since", "title")
    table(headers, rows, "no such tasks")
    for task in tasks:
        for question in asked[task.id]:
            say(f"{task.id} waits for you: harness approvals show {question.id}")


def questions_of(reader: Reader) -> Mapping[str, list[Approval]]:
    """The calls about which a person is asked, by their tasks."""
    found: dict[str, list[Approval]] = defaultdict(list)
    for question in reader.pending_approvals(datetime.now(UTC)):
        found[question.task].append(question)
    return found


def waits_shape(questions: Sequence[Approval]) -> dict[str, list[str]]:
    """The approvals for which a task waits."""
    return {"waits_for": [question.id for question in questions]}


def check_agent(home: Home, agent: str) -> None:
    """Raises NotFound for an agent that is not in this home."""
    if agent == LANE:  # that of requests which name nobody
        return
    # without what reads profiles: a command that only looks must not wait for pydantic
    names = sorted(path.stem for path in home.agents.glob("*") if path.stem not in NOT_AGENTS)
    if agent not in names:
        hint = did_you_mean(agent, names) or f"known: {', '.join(names)}"
        raise NotFound(f"there is no agent `{agent}`, and no task of one", hint=hint)


@app.command()
def show(task: TaskArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """One task: what was asked, each event, and the answer."""
    place = the_home(home)
    with Reader(place.database) as reader:
        found = reader.get(task)
        events = reader.events(found.id)
        deliveries = reader.deliveries(found.id)
        asked = questions_of(reader)[found.id]
    if as_json:
        shape = task_shape(found) | waits_shape(asked)
        emit(shape | {"events": [event_shape(event) for event in events]})
        return
    show_task(place, found, asked)
    say()
    rows = [(e.seq, local(e.at), e.state, e.outcome, e.attempt, e.actor, e.note) for e in events]
    table(("seq", "at", "state", "outcome", "try", "by", "note"), rows, "no events")
    for delivery in deliveries:
        why = told(delivery.note or "")
        say(f"delivery to {delivery.channel}: {delivery.state} {why}".rstrip())
    if found.result and found.result.text:
        say(f"\n{clean(found.result.text)}")


def show_task(home: Home, task: Task, asked: Sequence[Approval]) -> None:
    result, decision = task.result, decided(task.agent, task.payload)
    transcript = home.sessions / f"{task.id}-{task.attempt}.jsonl"
    facts(
        {
            "task": task.id,
            "agent": task.agent,
            "routed": decision.told if decision else None,
            "from": task.sender + (f", job {task.job}" if task.job else ""),
            "asked": short(task.prompt, 200),
            "state": f"{task.state}" + (f", {task.outcome}" if task.outcome else ""),
            "attempt": f"{task.attempt} of {task.max_attempts}",
            "priority": task.priority,
            "parent": task.parent,
            "key": task.key,
            "not before": local(task.not_before) if task.state is State.REQUEST else None,
            "waits for": ", ".join(map(waited_for, asked)) or None,
            "held by": f"{task.owner} until {local(task.lease_until)}"
            if task.lease_until
            else None,
            "error": task.error,
            "model": result.model if result else None,
            "degraded": "yes: no language model wrote this" if result and result.degraded else None,
            "tokens": ", ".join(f"{k} {v}" for k, v in result.tokens.items()) if result else None,
            "delivered": local(task.delivered_at) if task.delivered_at else None,
            "transcript": transcript if transcript.exists() else None,
        }
    )


def waited_for(question: Approval) -> str:
    expires = age(question.expires_at)
    return f"approval {question.id} to call {question.tool} (expires {expires})"


@app.command()
def watch(
    task: Annotated[
        str | None, typer.Argument(metavar="TASK", help="Only this one, word by word, to its end.")
    ] = None,
    agent: AgentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every event as it happens, until Ctrl-C; with --json one object a line."""
    place = the_home(home)
    if task is not None:
        watch_task(place, task, as_json=as_json)
        return
    while not place.database.exists():  # of a home that never ran, an empty one would be watched
        time.sleep(LOOK_SECONDS)
    with Reader(place.database) as reader:
        seen = reader.last_seq()
        while True:
            for event in reader.events_after(seen):
                seen = event.seq
                found = reader.get(event.task)
                if agent is None or found.agent == agent:
                    say(event_line(found, event, as_json=as_json))
            time.sleep(LOOK_SECONDS)


def watch_task(home: Home, name: str, *, as_json: bool) -> None:
    """The events of a task, and what is heard of it, until it is over. Raises NotFound."""
    with Reader(home.database) as reader:
        task, seen = reader.get(name), 0
        show = print_json if as_json else Screen(sys.stdout)
        with Following(home, task.id, show) as following:
            while True:
                task = reader.get(task.id)
                following.pause(0)  # what was told before the task came to this
                for event in reader.events(task.id)[seen:]:
                    seen += 1
                    following.settle()
                    say(event_line(task, event, as_json=as_json))
                if task.state in {State.FINAL, State.DEAD}:
                    following.rest()
                    return
                following.pause(LOOK_SECONDS)


def event_line(task: Task, event: Event, *, as_json: bool) -> str:
    if as_json:
        fact = {"task": task.id, "agent": task.agent, **event_shape(event)}
        return json.dumps(fact, ensure_ascii=False)
    where = f"{event.state} {event.outcome or ''}".strip()
    why = f"  {event.note}" if event.note else ""
    return told(
        f"{local(event.at)}  {task.id}  {task.agent:<8}  {where:<16}  {short(task.title, 40)}{why}"
    )
