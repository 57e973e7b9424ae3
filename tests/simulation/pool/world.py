"""What is outside of the daemon: models that answer, a feed, misfortune, and a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from harness.bus import transitions
from harness.bus.port import IllegalTransition, Priority, Request, State
from harness.bus.reader import Reader
from harness.bus.routed import LANE
from harness.bus.transaction import Transaction
from harness.clock import Clock
from harness.db.connection import transaction
from harness.ids import Ids
from tests.doubles.ollama import Answer, Fault, Load, Trouble, call
from tests.doubles.ollama.http import Exchange, HttpServer
from tests.doubles.ollama.known import EXPERTS, MIDDLE
from tests.simulation.affinity.work import text
from tests.simulation.disk import open_fast
from tests.simulation.pool import counted
from tests.simulation.pool.counted import Counted, Record
from tests.simulation.pool.home import CREW, HOSTS

ITEM = "<item><title>News {n}</title><link>http://wire.example/{n}</link></item>"
FEED = f"<rss version='2.0'><channel><title>Wire</title>{''.join(ITEM.format(n=n) for n in range(9))}</channel></rss>"  # noqa: E501
BETWEEN = 120.0  # seconds from one misfortune to the next, on average
LONGEST = 700  # tokens of an answer
FAULTS = (Fault.DROP, Fault.END, Fault.ERROR_LINE, Fault.HANG, Fault.GARBAGE, Fault.BROKEN_CALL)
STRANGERS = {"cellar": EXPERTS, "attic": MIDDLE}  # what the second program runs
PRIORITIES = (Priority.P0, Priority.P0, Priority.P1, Priority.P2)


class Speech:
    """What models say: words, calls of tools, choices; cut where they were told to stop."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.faults = 0.0  # the share of answers that go wrong

    def __call__(self, body: Mapping[str, Any]) -> Answer:
        if "format" in body:
            return Answer(json.dumps(obeying(body["format"], self.dice)))
        answer = self.said(body)
        if self.dice.random() < self.faults:
            fault = self.dice.choice(FAULTS)
            return answer.but(fault=fault, fault_after=self.dice.randint(0, 3))
        return answer

    def said(self, body: Mapping[str, Any]) -> Answer:
        tokens = self.dice.randint(60, LONGEST)
        most = (body.get("options") or {}).get("num_predict", LONGEST)
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        if most < tokens:
            return Answer(text(most, ""), done_reason="length", piece=4 * -(-most // 4))
        goes_on = body.get("tools") and turns < 9 and self.dice.random() < 0.8
        calls = [self.deed()] if goes_on else []
        return Answer(text(tokens // 2 if calls else tokens, ""), calls=calls, piece=tokens)

    def deed(self) -> Mapping[str, Any]:
        match self.dice.randrange(12):
            case 0:
                return call("request", agent=self.dice.choice(sorted(CREW)), prompt="Help me.")
            case 1 | 2:
                words = f"Lesson {self.dice.randrange(40)} about number {self.dice.random()}."
                return call("learn", summary=words, pattern_key=f"net.{self.dice.randrange(9)}")
            case 3 | 4:
                return call("memory", action="log", text=f"Noted {self.dice.random()}.")
            case 5 | 6:
                return call("memory", action="search", query="number")
            case 7:
                return call("shared_context", action="list")
            case _:
                return call("rss")


def obeying(schema: Mapping[str, Any], dice: Random) -> Any:
    """Something that a JSON schema allows, or nearly."""
    if "enum" in schema:
        return dice.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            return {name: obeying(each, dice) for name, each in schema["properties"].items()}
        case "array":
            return [obeying(schema.get("items", {}), dice)]
        case "integer" | "number":
            return dice.randint(0, 3)
        case "boolean":
            return dice.random() < 0.5
        case _:
            return "Ask the second source before you write a number."


class Wire:
    """A feed that takes its time."""

    def __init__(self, clock: Clock, dice: Random) -> None:
        self.clock, self.dice = clock, dice
        self.http = HttpServer(self.answer)

    async def start(self) -> str:
        return f"http://127.0.0.1:{await self.http.start()}"

    async def answer(self, exchange: Exchange) -> None:
        await self.clock.sleep(self.dice.uniform(0.5, 12))
        await exchange.send(200, FEED.encode())


class Misfortune:
    """Things go wrong at hosts, one after the other; each time is taken down."""

    def __init__(
        self, hosts: Sequence[Counted], speech: Speech, record: Record, clock: Clock, dice: Random
    ) -> None:
        self.hosts, self.speech, self.record = hosts, speech, record
        self.clock, self.dice = clock, dice

    async def run(self) -> None:
        while True:
            await self.clock.sleep(self.dice.expovariate(1 / BETWEEN))
            await self.strike(self.dice.choice(self.hosts))

    async def strike(self, host: Counted) -> None:
        deeds = (self.away, self.deaf, self.busy, self.broken, self.mumbling, self.swept,
                 self.shared, self.crashing)  # fmt: skip
        deed, began = self.dice.choice(deeds), self.clock.monotonic()
        place = len(self.record.trouble)
        until = counted.Trouble(deed.__name__, host.name, began, float("inf"))
        self.record.trouble.append(until)
        try:
            await deed(host)
        finally:
            ended = self.clock.monotonic()
            self.record.trouble[place] = counted.Trouble(deed.__name__, host.name, began, ended)

    async def away(self, host: Counted) -> None:
        await host.away()
        try:
            await self.pause(20, 400)
        finally:
            await host.back()

    async def deaf(self, host: Counted) -> None:
        await self.befall(host, Trouble.HANG, 1.0, 100)

    async def busy(self, host: Counted) -> None:
        await self.befall(host, Trouble.BUSY, 1.0, 60)

    async def broken(self, host: Counted) -> None:
        await self.befall(host, Trouble.RESET, 0.5, 100)

    async def befall(self, host: Counted, trouble: Trouble, share: float, most: float) -> None:
        host.trouble = lambda _: trouble if self.dice.random() < share else None
        try:
            await self.pause(5, most)
        finally:
            host.trouble = lambda _: None

    async def mumbling(self, host: Counted) -> None:
        self.speech.faults = 0.4
        try:
            await self.pause(20, 200)
        finally:
            self.speech.faults = 0.0

    async def swept(self, host: Counted) -> None:
        """Somebody unloads all models."""
        for runner in list(host.engine.loaded.values()):
            host.engine.unload(runner.weights)

    async def shared(self, host: Counted) -> None:
        """A second program uses the GPU."""
        async with host.engine.seat(STRANGERS[host.name], {"num_ctx": 8192}, 5.0):
            await self.pause(10, 100)
        await self.clock.sleep(10)

    async def crashing(self, host: Counted) -> None:
        for weights in host.weights.values():
            host.spoil_load(weights.full_name, Load(seconds=2.0, crash="out of memory"))
        await self.pause(30, 60)
        host._loads.clear()

    async def pause(self, least: float, most: float) -> None:
        await self.clock.sleep(self.dice.uniform(least, most))


class Person:
    """Writes from another process."""

    def __init__(self, path: Path, clock: Clock, dice: Random) -> None:
        self.db, self.reader = open_fast(path), Reader(path)
        self.db.execute("PRAGMA busy_timeout = 5000")
        self.clock, self.dice = clock, dice
        self.ids = Ids(clock, dice.getrandbits)
        self.sent = 0

    async def run(self) -> None:
        while True:
            await self.clock.sleep(self.dice.expovariate(1 / 240))
            if self.dice.random() < 0.05:
                self.cancel_one()
            else:
                self.send()

    def send(self, priority: Priority | None = None) -> None:
        agent = self.dice.choice((*sorted(CREW), LANE, LANE))
        urgent = priority or self.dice.choice(PRIORITIES)
        self.sent += 1
        wish = Request(agent, f"Please see to {self.sent}.", priority=urgent, deliver=("archive",))
        self.step(transitions.request, wish)

    def cancel_one(self) -> None:
        if waiting := self.unfinished():
            with suppress(IllegalTransition):
                self.step(transitions.cancel, self.dice.choice(waiting).id, actor="person")

    def unfinished(self) -> list[Any]:
        states = (State.REQUEST, State.CONFIRMED)
        return [task for state in states for task in self.reader.tasks(state=state, limit=10**6)]

    def step(self, step: Any, *args: Any, **kwargs: Any) -> None:
        with transaction(self.db):
            step(Transaction.begun(self.db, self.clock, self.ids), *args, **kwargs)

    def leave(self) -> None:
        self.reader.close()
        self.db.close()


def doubles(record: Record, speech: Speech, clock: Clock) -> list[Counted]:
    """The hosts, not yet listening."""
    return [
        Counted(name, record, models, rules=rules, clock=clock, answers=speech)
        for name, (rules, models) in HOSTS.items()
    ]


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
