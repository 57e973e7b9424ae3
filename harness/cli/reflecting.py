"""`harness memory reflect`: the house's own work at a person's word, now or only in thought."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import typer

from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.bus.port import Request, Task
from harness.bus.sqlite import SqliteBus
from harness.cli.following import Following
from harness.cli.output import HomeOption, JsonOption, clean, emit, note, say, the_home
from harness.cli.posting import audit, open_bus
from harness.cli.remembering import longterm, now_in
from harness.cli.send import check_agent, exit_code, show, wait_for
from harness.cli.shapes import task_shape
from harness.clock import SystemClock
from harness.config.crew import Crew, read_crew
from harness.config.cronfile import Work
from harness.config.durations import parse_duration
from harness.config.home import Home
from harness.errors import HarnessError, NotFound
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.services.fires import WORK
from harness.services.lock import holder
from harness.services.night.housework import Housework
from harness.services.night.reflection import Candidate, look
from harness.services.night.shift import ONLY, Keeping
from harness.text.secrets import Redactor
from harness.tools.catalogue import KNOWN

HERE = "by-hand"  # what begins the name of a lane that no daemon serves


def reflect(
    agent: Annotated[str | None, typer.Argument(metavar="[AGENT]", help="One; else all.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what each lesson lacks; change nothing.")
    ] = False,
    timeout: Annotated[str, typer.Option("--timeout", help="How long to wait, like 20m.")] = "20m",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make rules of the lessons that proved themselves, as each night. Without the daemon it is
    done here, without a model."""
    place = the_home(home)
    if agent is not None:
        check_agent(place, agent)
    crew = read_crew(place, KNOWN)
    if dry_run:
        think(place, crew, agent, as_json=as_json)
        return
    wish = wish_of(crew, agent, parse_duration(timeout))
    task = posted(place, wish, timeout) if holder(place) else asyncio.run(done(place, crew, wish))
    if as_json:
        emit(task_shape(task))
    elif task.result and task.result.text:
        show(task)
    else:
        say(task.error or "nothing to tell")
    raise typer.Exit(exit_code(task))


def wish_of(crew: Crew, agent: str | None, timeout: timedelta) -> Request:
    """The request, to whoever reflects by the schedule. Raises NotFound for a home without one."""
    jobs = crew.crontab.jobs.values()
    nightly = [job.agent for job in jobs if Work.REFLECT in (job.line.work or ())]
    able = [name for name in (*nightly, agent, *crew.profiles) if name in crew.profiles]
    if not able:
        raise NotFound("there is no agent in this home", hint="make one: harness agents new NAME")
    payload: dict[str, Any] = {WORK: [str(Work.REFLECT)]} | ({ONLY: agent} if agent else {})
    return Request(str(able[0]), "Reflect.", title="Reflection", payload=payload, timeout=timeout)


def posted(home: Home, wish: Request, timeout: str) -> Task:
    """The task once the daemon has done it. Raises WaitTimeout."""
    with open_bus(home) as bus:
        task = bus.request(wish)
    audit(home, "memory.reflect", task.id, agent=wish.agent)
    with Following(home, task.id, None) as unseen:
        return wait_for(home, task, parse_duration(timeout).total_seconds(), unseen)


async def done(home: Home, crew: Crew, wish: Request) -> Task:
    """The task once it was done in this process."""
    note("the crew is not running: reflecting here, without a model")
    clock, redactor = SystemClock(), Redactor.knowing(os.environ)
    ids = Ids(clock)
    book = AuditBook(AuditLog(home.audit, redactor), clock)
    hooks = Hooks.freeze(crew.settings.hooks, home, os.environ, redactor, clock)
    house = Housework(Keeping(home, clock, ids, book), lambda: crew, lambda: hooks, no_model)
    async with SqliteBus.open(home, clock, ids) as bus:
        asked = await bus.request(replace(wish, lane=f"{HERE}-{ids()}", max_attempts=1))
        task = await bus.claim(asked.lane, cap=1, owner=f"person-{os.getpid()}")
        if task is None:
            raise HarnessError(f"task {asked.id} was taken away before it began")
        with redirect_stdout(sys.stderr):  # where the log goes that nobody has set up
            end = await house(task, asyncio.Event())
        await book.aclose()
        return await bus.final(task, end.outcome, end.result, note=end.detail or None)


def no_model(crew: Crew, agent: str) -> None:
    """Whose words: nobody's."""


def think(home: Home, crew: Crew, agent: str | None, *, as_json: bool) -> None:
    """Print what the gate says of every open lesson."""
    now, settings = now_in(home), crew.settings.memory
    names = [agent] if agent else sorted(crew.profiles)
    found = [
        each for name in names for each in look(longterm(home, name), settings, now).candidates
    ]
    if as_json:
        emit([candidate_shape(each) for each in found])
        return
    if not found:
        say("no lesson is open")
    for each in found:
        say(clean(f"{'ready   ' if each.candidacy.ready else 'not yet '} {each.told()}"))
        say(clean(f"          {'; '.join(each.candidacy.lacking or each.candidacy.reasons)}"))


def candidate_shape(each: Candidate) -> dict[str, Any]:
    return {
        "agent": each.learning.agent,
        "id": each.learning.id,
        "summary": each.learning.summary,
        "ready": each.candidacy.ready,
        "reasons": list(each.candidacy.reasons),
        "lacking": list(each.candidacy.lacking),
    }
