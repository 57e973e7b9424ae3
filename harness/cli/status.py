"""`harness status`: one screen that says whether the crew is well."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from harness.bus.port import Approval, State, Task
from harness.bus.reader import Reader
from harness.cli.health import (
    SILENCE_SECONDS,
    Health,
    failing_line,
    health_shape,
    read_health,
    recovered_line,
    routed_line,
    waiting_line,
)
from harness.cli.learned import Learned, learned
from harness.cli.model_use import ModelsNow, models_now
from harness.cli.output import (
    HomeOption,
    JsonOption,
    Painted,
    age,
    counted,
    emit,
    facts,
    iso,
    paint,
    say,
    short,
    table,
    the_home,
)
from harness.cli.schedule import CronRow, cron_rows
from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.errors import ConfigError, Problem
from harness.services.lock import holder
from harness.tools.catalogue import KNOWN

NOT_RUNNING = 3  # as LSB says of `status`
NEXT = 5  # fires shown
LAST = 5  # ended tasks shown


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Whether the crew runs, what it waits for, what failed. Exit code 3: it does not run."""
    place = the_home(home)
    daemon = holder(place)
    crew, problems = read_files(place)
    with Reader(place.database) as reader:
        counts = reader.counts()
        last = [
            task
            for state in (State.FINAL, State.DEAD)
            for task in reader.tasks(state=state, limit=LAST)
        ]
        last = sorted(last, key=lambda task: task.updated_at, reverse=True)[:LAST]
        questions = reader.pending_approvals(datetime.now(UTC))
        health = read_health(place, reader, running=daemon is not None)
        memory = learned(place)
        rows = cron_rows(crew.crontab, reader, datetime.now(UTC)) if crew else []
    models = models_now(place, crew.settings.models.limits if crew else None)
    upcoming = sorted((row for row in rows if row.next_run), key=lambda row: str(row.next_run))
    report = {
        "running": daemon is not None,
        **(daemon or {}),
        "home": str(place.root),
        "config_ok": not problems,
        "problems": [problem_shape(problem) for problem in problems],
        "agents": sorted(crew.profiles) if crew else [],
        "lanes": counts,
        "dead": sum(lane[State.DEAD] for lane in counts.values()),
        "questions": len(questions),
        "memory": memory.shape,
        "models": models.shape,
        **health_shape(health),
        "next": [{"job": row.job, "at": row.next_run} for row in upcoming[:NEXT]],
        "last": [ended_shape(task) for task in last],
    }
    if as_json:
        emit(report)
    else:
        show(place, daemon, problems, questions, health, memory, models, counts, upcoming, last)
    if daemon is None:
        raise typer.Exit(NOT_RUNNING)


def read_files(home: Home) -> tuple[Crew | None, list[Problem]]:
    """The home's files as they lie on the disk, and what is wrong with them."""
    try:
        crew = read_crew(home, KNOWN, environment=os.environ)
    except ConfigError as error:
        return None, error.problems
    return crew, list(crew.problems)


def show(
    home: Home,
    daemon: dict[str, Any] | None,
    problems: list[Problem],
    questions: list[Approval],
    health: Health,
    memory: Learned,
    models: ModelsNow,
    counts: dict[str, dict[State, int]],
    upcoming: list[CronRow],
    last: list[Task],
) -> None:
    facts(
        {
            "crew": running(daemon, health),
            "home": home.root,
            "model": model_line(daemon) if daemon else None,
            "files": f"{counted(len(problems), 'problem')}: harness agents lint"
            if problems
            else "in order",
            "asks you": questions_line(questions),
            "failing": failing_line(health),
            "waiting": waiting_line(health),
            "routed": routed_line(health),
            "recovered": recovered_line(health),
            "memory": memory.line,
            "models": models.line,
        }
    )
    say()
    rows = [[lane, *(number[state] for state in State)] for lane, number in sorted(counts.items())]
    table(("lane", "waiting", "running", "final", "dead"), rows, "no tasks yet")
    if upcoming:
        say()
        fires = [(row.next_run_local(), row.job, row.agent) for row in upcoming[:NEXT]]
        table(("next", "job", "agent"), fires, "")
    if last:
        say()
        ends = [
            (age(t.updated_at), t.agent, t.outcome or t.state, short(t.title, 40), t.error)
            for t in last
        ]
        table(("last", "agent", "outcome", "title", "error"), ends, "")


def questions_line(questions: list[Approval]) -> str | None:
    """The calls that wait for the person, or None."""
    if not questions:
        return None
    since = age(questions[0].asked_at)
    many = counted(len(questions), "call")
    return f"whether to make {many}, the first asked {since}: harness approvals list"


def running(daemon: dict[str, Any] | None, health: Health) -> str:
    if daemon is None:
        return Painted(paint("not running", "red") + "; start it with: harness up")
    since = daemon.get("started_at")
    up = f"started {age(datetime.fromisoformat(since))}" if since else "starting"
    if health.silence > SILENCE_SECONDS:
        silent = f"no sign of life for {timedelta(seconds=round(health.silence))}"
        return Painted(f"{paint('stands still', 'red')} (process {daemon.get('pid')}, {silent})")
    return Painted(f"{paint('running', 'green')} (process {daemon.get('pid')}, {up})")


def model_line(daemon: dict[str, Any]) -> str | None:
    model, trouble = daemon.get("model"), daemon.get("trouble")
    return f"{model} (degraded: {trouble})" if trouble else model


def problem_shape(problem: Problem) -> dict[str, Any]:
    return {
        "file": str(problem.path),
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }


def ended_shape(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "agent": task.agent,
        "title": task.title,
        "state": task.state,
        "outcome": task.outcome,
        "error": task.error,
        "at": iso(task.updated_at),
    }
