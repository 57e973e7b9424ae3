"""Has jobs done over real HTTP in virtual time, and takes down when each was asked, heard, done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness.clock import Clock
from harness.config.priority import Priority
from harness.models.port import Message, Role
from tests.doubles.ollama import Answer, OllamaDouble, call
from tests.simulation.affinity.ways import Farsighted, House, Straight, Way
from tests.simulation.affinity.work import MODELS, NUM_CTX, SERVER, Job, text
from tests.virtual_http import VirtualClock, run

LINES = 4  # in which an answer comes
Open = Callable[[OllamaDouble, Clock], Way]


def straight(double: OllamaDouble, clock: Clock) -> Way:
    return Straight(double.url)


def house(double: OllamaDouble, clock: Clock) -> Way:
    return House(double.url, clock)


def farsighted(jobs: Sequence[Job]) -> Open:
    return lambda double, clock: Farsighted(double.url, clock, jobs)


@dataclass
class Told:
    """One call, in seconds since the beginning. `ready` names the models in memory when it came,
    and `coming` the one that was being loaded."""

    job: Job
    asked: float
    ready: tuple[str, ...]
    coming: str | None
    heard: float = 0.0
    ended: float = 0.0

    @property
    def to_first(self) -> float:
        return self.heard - self.asked


@dataclass
class Played:
    """What came of it."""

    journal: Sequence[str] = ()
    times: Sequence[float] = ()
    calls: list[Told] = field(default_factory=list)
    ends: dict[str, float] = field(default_factory=dict)  # of each job

    @property
    def loads(self) -> int:
        """Those that were broken off count as well."""
        return sum(line.startswith(("load ", "abort ")) for line in self.journal)

    @property
    def makespan(self) -> float:
        return max(self.ends.values())

    def delay(self, jobs: Sequence[Job]) -> float:
        """Seconds between coming and end, of all jobs added up."""
        return sum(self.ends[job.name] - job.begins for job in jobs)

    @property
    def urgent(self) -> list[Told]:
        return [call for call in self.calls if call.job.priority is Priority.P0]

    @property
    def scheduled(self) -> list[Told]:
        """The first call of each job that was not urgent."""
        first = {call.job.name: call for call in reversed(self.calls)}
        return [call for call in first.values() if call.job.priority is not Priority.P0]

    @property
    def longest(self) -> Told:
        """Who waited longest for the first word."""
        return max(self.calls, key=lambda call: call.to_first)


def play(jobs: Sequence[Job], way: Open, loaded: Sequence[str] = ()) -> Played:
    """Have all jobs done, each from its time on. `loaded`: what lies in memory at the beginning."""
    return run(_play(jobs, way, loaded))


@dataclass(frozen=True)
class Idle:
    """What an urgent call waits on a machine of which nothing else is asked."""

    seconds: float
    singly: bool  # no other urgent call came meanwhile


def idle(played: Played, way: Open) -> list[Idle]:
    """To the first word of each urgent call, on a machine in the same state.

    The same models are in memory, and a load of its own model that was under way goes on. Urgent
    calls that come before the one before is answered come so there, too.
    """
    found = list[Idle]()
    for group in _together(played.urgent):
        first, to_go = group[0], _to_go(played, group[0])
        jobs = [replace(call.job, begins=call.asked - first.asked) for call in group]
        there = first.ready if to_go is None else (*first.ready, first.job.model.name)
        alone = play(jobs, way, there).calls
        waits = [alone[0].to_first + (to_go or 0.0), *(call.to_first for call in alone[1:])]
        found += [Idle(seconds, len(group) == 1) for seconds in waits]
    return found


def _together(calls: Sequence[Told]) -> list[list[Told]]:
    groups = list[list[Told]]()
    for each in calls:
        if groups and each.asked < max(other.ended for other in groups[-1]):
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def _to_go(played: Played, call: Told) -> float | None:
    """Seconds that a load of the call's own model still took when it came; None: there was none."""
    if call.coming != call.job.model.name:
        return None
    done = f"load {call.job.model.full_name}"
    pairs = zip(played.journal, played.times, strict=True)
    return next((at - call.asked for line, at in pairs if line == done and at > call.asked), None)


async def _play(jobs: Sequence[Job], way: Open, loaded: Sequence[str]) -> Played:
    clock, played = VirtualClock(), Played()
    async with OllamaDouble(MODELS, rules=SERVER, clock=clock, answers=as_asked) as double:
        await _load(double, loaded)
        began, skipped = clock.monotonic(), len(double.engine.journal)
        work = way(double, clock)
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(_work(job, work, double, began, played))
        await work.aclose()
        played.journal = double.engine.journal[skipped:]
        played.times = [at - began for at in double.engine.times[skipped:]]
    return played


async def _load(double: OllamaDouble, models: Sequence[str]) -> None:
    for name in models:
        weights = next(model for model in MODELS if model.name == name)
        async with double.engine.seat(weights, {"num_ctx": NUM_CTX}, None):
            pass


async def _work(job: Job, way: Way, double: OllamaDouble, began: float, played: Played) -> None:
    clock, talk = double.clock, list[Message]()
    await clock.sleep(began + job.begins - clock.monotonic())
    for number, step in enumerate(job.calls):
        await clock.sleep(step.pause)
        more = "and goes on" if number + 1 < len(job.calls) else "and ends"
        words = text(step.reads, f"{job.name} {number} writes {step.writes} {more}.")
        talk.append(_asks(talk, words))
        told = Told(job, clock.monotonic() - began, ready(double), coming(double))
        played.calls.append(told)
        answer = await way.ask(job, talk, partial(_hear, told, clock, began))
        told.ended = clock.monotonic() - began
        talk.append(answer)
    played.ends[job.name] = clock.monotonic() - began


def _asks(talk: Sequence[Message], words: str) -> Message:
    """The task, and after that what a tool brought."""
    called = talk[-1].tool_calls[0] if talk else None
    if called is None:
        return Message(Role.USER, words)
    return Message(Role.TOOL, words, call_id=called.id, tool_name=called.name)


def _hear(told: Told, clock: Clock, began: float) -> None:
    told.heard = clock.monotonic() - began


def ready(double: OllamaDouble) -> tuple[str, ...]:
    return tuple(runner.weights.name for runner in double.engine.loaded.values())


def coming(double: OllamaDouble) -> str | None:
    loading = double.engine.loading
    return None if loading is None else loading.weights.name


def as_asked(body: Mapping[str, Any]) -> Answer:
    """As long as the last message says, and with a call of a tool unless it is the last answer."""
    said = re.search(r"writes (\d+) and (goes on|ends)", str(body["messages"][-1]["content"]))
    assert said is not None
    tokens, goes_on = int(said[1]), said[2] == "goes on"
    calls = [call("rss")] if goes_on else []
    return Answer(text(tokens, ""), calls=calls, piece=4 * -(-tokens // LINES))
