"""What is asked: a day of the sample crew, and a burst. Made by rule from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.config.priority import Priority
from tests.doubles.ollama import Rules, Weights
from tests.doubles.ollama.known import DENSE, GRANITE, LLAMA, MISTRAL

MODELS = (DENSE, LLAMA, MISTRAL, GRANITE)  # of which two fit into the memory together
NUM_CTX = 16_384
SERVER = Rules(parallel=2, recover_seconds=1.0)
FIT = 2
SYSTEM_TOKENS = 900
CREW = {"zoe": DENSE, "ainews": LLAMA, "macro": MISTRAL, "trading": GRANITE, "content": LLAMA,
        "butler": DENSE}  # fmt: skip

HOURS = {  # when jobs fall due, in minutes of the day, and for whom
    7 * 60 + 30: ("butler", "ainews", "macro", "zoe", "trading", "content", "ainews"),
    9 * 60: ("trading", "macro", "ainews", "zoe", "trading"),
    10 * 60 + 30: ("content", "macro", "ainews", "butler"),
    12 * 60: ("ainews", "zoe", "macro", "trading", "content", "butler"),
    13 * 60 + 15: ("macro", "trading"),
    14 * 60: ("trading", "ainews", "macro", "content"),
    15 * 60 + 30: ("macro", "trading", "zoe", "ainews", "butler"),
    16 * 60: ("content", "ainews"),
    17 * 60: ("trading", "macro", "zoe", "ainews", "content"),
    18 * 60: ("butler", "zoe", "macro"),
    19 * 60: ("ainews", "content", "trading"),
    21 * 60: ("zoe", "macro", "ainews", "butler", "content"),
    22 * 60: ("ainews", "trading"),
}
URGENT = 7  # requests of a person, at any minute between seven and eleven


@dataclass(frozen=True)
class Call:
    """One call of a model: tokens that its prompt has more than the call before, and that it
    writes."""

    reads: int
    writes: int
    pause: float = 0.0  # seconds that a tool took before it


@dataclass(frozen=True)
class Job:
    """A session: calls of one model, each after the answer to the one before."""

    name: str
    agent: str
    model: Weights
    begins: float  # seconds
    calls: tuple[Call, ...]
    priority: Priority = Priority.P1

    @property
    def work(self) -> float:
        """Seconds in which it holds a slot, at the least: each token is read once."""
        return sum(self.seconds(call) for call in self.calls)

    @property
    def alone(self) -> float:
        """Seconds that it takes alone on a machine with its model loaded."""
        return self.work + sum(call.pause for call in self.calls)

    def seconds(self, call: Call) -> float:
        return call.reads * self.model.prompt_seconds + call.writes * self.model.token_seconds


def day(seed: int = 6) -> list[Job]:
    """Sixty tasks: what is due by the clock, and a person's requests in between."""
    dice = random.Random(seed)
    jobs = [
        _session(dice, f"{minute // 60:02}:{minute % 60:02} {agent} {place}", agent, minute * 60.0)
        for minute, agents in HOURS.items()
        for place, agent in enumerate(agents)
    ]
    for place in range(URGENT):
        agent, moment = dice.choice(sorted(CREW)), dice.uniform(7 * 3600, 23 * 3600)
        jobs.append(_urgent(dice, f"person {place}", agent, moment))
    return sorted(jobs, key=lambda job: job.begins)


def burst(seed: int = 6, *, requests: int = 120, models: int = 3, urgent: int = 5) -> list[Job]:
    """So many single calls within ten seconds, by turns for each model, and after them a
    person's: one at some moment of every twenty seconds."""
    dice = random.Random(seed)
    agents = [next(a for a, m in CREW.items() if m is model) for model in MODELS[:models]]
    jobs = []
    for place in range(requests - urgent):
        agent = agents[place % models]
        call = Call(dice.randint(400, 2400), dice.randint(60, 400))
        jobs.append(Job(f"{agent} {place}", agent, CREW[agent], dice.uniform(0, 10), (call,)))
    for place in range(urgent):
        moment = 10 + 20 * place + dice.uniform(0, 20)
        jobs.append(_urgent(dice, f"person {place}", dice.choice(agents), moment))
    return sorted(jobs, key=lambda job: job.begins)


def hurry(seed: int = 6, *, requests: int = 120, urgent: int = 10) -> list[Job]:
    """A burst, and so many requests of a person at any moments of its time, of all models: some
    of them come together."""
    dice = random.Random(seed)
    jobs = burst(seed, requests=requests, urgent=0)
    for place in range(urgent):
        agent, moment = dice.choice(sorted(CREW)), dice.uniform(0, 1.25 * requests)
        jobs.append(_urgent(dice, f"person {place}", agent, moment))
    return sorted(jobs, key=lambda job: job.begins)


def _session(dice: random.Random, name: str, agent: str, begins: float) -> Job:
    first = Call(SYSTEM_TOKENS + dice.randint(200, 1500), dice.randint(60, 200))
    more = [
        Call(dice.randint(200, 1200), dice.randint(60, 300), pause=dice.uniform(0.5, 15))
        for _ in range(dice.randint(2, 7))
    ]
    return Job(name, agent, CREW[agent], begins, (first, *more))


def _urgent(dice: random.Random, name: str, agent: str, begins: float) -> Job:
    call = Call(SYSTEM_TOKENS + dice.randint(50, 300), dice.randint(60, 250))
    return Job(name, agent, CREW[agent], begins, (call,), Priority.P0)


def text(tokens: int, mark: str) -> str:
    """So many tokens in the double's coin, that share no beginning with a text of another mark."""
    return (mark + " word " * tokens)[: 4 * tokens]


def counted(jobs: Sequence[Job]) -> dict[str, int]:
    """How many there are of each model."""
    return {model.name: sum(job.model is model for job in jobs) for model in MODELS}
