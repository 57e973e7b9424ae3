"""`harness send`: ask an agent, or whoever fits, and maybe wait for the answer."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from harness.bus.port import Outcome, Priority, Request, State, Task
from harness.bus.reader import Reader
from harness.bus.routed import LANE, decided
from harness.cli.following import Following, print_json, who_sees
from harness.cli.output import (
    HomeOption,
    JsonOption,
    age,
    clean,
    emit,
    note,
    say,
    short,
    the_home,
)
from harness.cli.posting import audit, open_bus
from harness.cli.queue import questions_of
from harness.cli.shapes import task_shape
from harness.cli.unaddressed import tell_decision, whose
from harness.config.durations import parse_duration
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.profile import profile_files, read_profile
from harness.config.settings import read_settings
from harness.errors import ConfigError, DaemonNeeded, NotFound, UsageError, WaitTimeout
from harness.services.lock import holder

LOOK_SECONDS = 0.05
DELIVERY_SECONDS = 2.0  # that an answer which is there is held back to be delivered first
ANSWERED = {Outcome.DONE, Outcome.PARTIAL}
WORDS = {
    State.REQUEST: "waits",
    State.CONFIRMED: "taken up",
    State.FINAL: "final",
    State.DEAD: "dead letter",
}


def send(
    agent: Annotated[
        str, typer.Argument(metavar="AGENT|TEXT", help="Who is asked; a TEXT alone: whoever fits.")
    ],
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="What it should do; - reads it from stdin."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The same key asks for the same task only once.")
    ] = None,
    priority: Annotated[Priority, typer.Option("--priority", help="P0 before P1 before P2.")] = (
        Priority.P1
    ),
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the answer is there.")] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", help="How long --wait waits, like 90s or 20m.")
    ] = "30m",
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="With --wait: show steps and words as they come, on a terminal by itself.",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask an agent; the request is on the disk when this returns."""
    if stream and not wait:
        raise UsageError("--stream shows what happens while --wait waits", hint="add --wait")
    place = the_home(home)
    patience = parse_duration(timeout).total_seconds()
    named, asked = (agent, text) if text is not None else (None, agent)
    task = post(place, named, wish_of(asked), key, priority)
    if named is None:
        tell_decision(task)
    running = holder(place) is not None
    if not running:
        note(f"the crew is not running: task {task.id} is stored and waits for `harness up`")
    if wait and task.state in {State.REQUEST, State.CONFIRMED}:
        if not running:
            raise DaemonNeeded(
                f"nobody is there to answer task {task.id}",
                hint=f"start the crew with: harness up --home {place.root}",
            )
        with Following(place, task.id, who_sees(asked=stream, as_json=as_json)) as following:
            task = wait_for(place, task, patience, following)
    if as_json and stream:
        print_json({"type": "task", **task_shape(task)})
    elif as_json:
        emit(task_shape(task))
    else:
        show(task)
    raise typer.Exit(exit_code(task))


def wish_of(text: str) -> str:
    """The text of the request. Raises UsageError when there is none."""
    wish = sys.stdin.read() if text == "-" and sys.stdin else text
    if not wish.strip():
        raise UsageError("the request is empty", hint="say what the agent should do")
    return wish


def post(home: Home, agent: str | None, text: str, key: str | None, priority: Priority) -> Task:
    """Store the request, to whoever fits where no agent is named. Raises NotFound for an agent
    that is not in this home, UsageError for a key that belongs to another request."""
    if key is not None and not key.strip():
        raise UsageError("the key is empty", hint="leave --key out, or give one")
    settings = read_settings(home.settings_file, os.environ)
    decision = whose(home, settings.router, text) if agent is None else None
    receiver = agent or (decision.agent if decision else LANE)
    if receiver != LANE or agent is not None:
        check_agent(home, receiver)
    wish = Request(
        agent=receiver,
        prompt=text,
        key=key,
        priority=priority,
        deliver=settings.delivery.default,
        payload=decision.payload if decision else {},
        note=decision.told if decision else None,
    )
    with open_bus(home) as bus:
        task = bus.request(wish)
    if task.prompt != text or not is_for(task, agent):
        raise UsageError(
            f"the key `{key}` belongs to task {task.id}, which asks {task.agent} something else",
            hint="take another key; the same key means the same request",
        )
    audit(home, "task.sent", task.id, agent=receiver, text=text, key=key, priority=str(priority))
    return task


def is_for(task: Task, agent: str | None) -> bool:
    """Whether a task is for that agent; for None, whether it named nobody."""
    if agent is not None:
        return task.agent == agent
    return task.agent == LANE or decided(task.agent, task.payload) is not None


def check_agent(home: Home, agent: str) -> None:
    """Raises NotFound for an agent that is not in this home; notes one whose file is bad."""
    files = dict(profile_files(home))
    if agent not in files:
        hint = did_you_mean(agent, files) or f"known: {', '.join(files)}"
        raise NotFound(f"there is no agent `{agent}` in {home.root}", hint=hint)
    try:
        read_profile(files[agent], agent)
    except ConfigError as error:
        note(f"{error.problems[0].render()}\n{agent} answers once its file is in order, unless")
        note("the crew runs and goes on with the last good version of it")


def wait_for(home: Home, task: Task, patience: float, following: Following) -> Task:
    """The task once it is over, with all that is heard of it shown. Raises WaitTimeout."""
    try:
        over = watched(home, task, patience, following)
    except KeyboardInterrupt:
        following.settle()
        note(f"task {task.id} goes on; follow it with: harness queue watch {task.id}")
        raise
    following.rest()
    return over


def watched(home: Home, task: Task, patience: float, following: Following) -> Task:
    """The task once it is over; a little later if its answer is delivered meanwhile. Raises
    WaitTimeout."""
    until = time.monotonic() + patience
    seen, over_since = 0, None
    told: set[str] = set()
    with Reader(home.database) as reader:
        while time.monotonic() < until or over_since is not None:
            before, task = task, reader.get(task.id)
            following.pause(0)  # what was told before the task came to this
            if task.agent != before.agent:
                tell_decision(task)
            seen = tell_news(reader, task, seen, following)
            tell_questions(reader, task, told)
            if task.state is State.DEAD or (task.state is State.FINAL and is_settled(task)):
                return task
            if task.state is State.FINAL:
                over_since = over_since or time.monotonic()
                if time.monotonic() - over_since > DELIVERY_SECONDS:
                    note(f"not delivered yet, see: harness queue show {task.id}")
                    return task
            following.pause(LOOK_SECONDS)
        waits = " and waits for you" if questions_of(reader)[task.id] else ""
    raise WaitTimeout(
        f"task {task.id} is still in {task.state}{waits} after {int(patience)} s; it goes on",
        hint=f"look at it with: harness queue show {task.id}",
    )


def is_settled(task: Task) -> bool:
    return not task.deliver or task.delivered_at is not None


def tell_news(reader: Reader, task: Task, seen: int, following: Following) -> int:
    """Show a person who waits what happened since event `seen`; the newest event."""
    for event in reader.events(task.id):
        if event.seq <= seen:
            continue
        seen = event.seq
        if sys.stderr.isatty():
            following.settle()
            why = f": {event.note}" if event.note else ""
            note(f"  {age(event.at)}  {WORDS[event.state]} (attempt {event.attempt}){why}")
    return seen


def tell_questions(reader: Reader, task: Task, told: set[str]) -> None:
    """Say of each call about which a person is asked how to answer; `told` remembers which."""
    if task.state is not State.REQUEST:
        return
    for question in questions_of(reader)[task.id]:
        if question.id not in told:
            told.add(question.id)
            call = short(f"{question.tool} {question.shown}", 100)
            note(f"task {task.id} waits for you: may {task.agent} call {call}")
            note(f"  the whole call: harness approvals show {question.id}")
            note(f"  yes: harness approvals approve {question.id}")
            note(f"  no:  harness approvals deny {question.id}")


def show(task: Task) -> None:
    """The answer, or where to look for it."""
    if task.state in {State.REQUEST, State.CONFIRMED}:
        say(task.id)
        note(f"look at it with: harness queue show {task.id}")
        return
    if task.result and task.result.text:
        say(clean(task.result.text))
    outcome = task.outcome or task.state
    note(f"{outcome}, task {task.id}" + (f": {task.error}" if task.error else ""))


def exit_code(task: Task) -> int:
    over = task.state in {State.FINAL, State.DEAD}
    return int(over and task.outcome not in ANSWERED)
