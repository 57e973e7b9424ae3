"""A model and a pair of hands that a test holds on strings."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from harness.bus.port import Note
from harness.clock import FakeClock
from harness.models.port import (
    ChatRequest,
    Message,
    Model,
    ModelError,
    OnDelta,
    Reply,
    Role,
    ToolCall,
    ToolSpec,
    Usage,
)
from harness.models.scripted import ScriptedModel
from harness.session.brief import Brief, Contract, Limits, anything_goes
from harness.session.loop import Notes, Session, no_notes
from harness.session.steps import Ended, Step
from harness.tools.tool import ToolResult

Move = Reply | ModelError | Callable[[ChatRequest], Awaitable[Reply]]
ids = itertools.count(1)


def says(text: str = "", *calls: ToolCall, finish: str = "stop", **more: Any) -> Reply:
    message = Message(Role.ASSISTANT, text, tuple(calls))
    usage = more.pop("usage", Usage(prompt=10, completion=5))
    return Reply(message, usage, model="test/actor", finish=finish, **more)


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(f"call-{next(ids)}", name, arguments)


async def forever(request: ChatRequest) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError("never comes here")


class Actor(ScriptedModel):
    """Plays its moves in order; the last one repeats when it `loops`. Counts connections."""

    def __init__(self, *moves: Move, context: int = 16_384, loops: bool = False) -> None:
        super().__init__(self._play, name="test/actor", context_tokens=context)
        self.moves = list(moves)
        self.loops = loops
        self.open_connections = 0

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        self.open_connections += 1
        try:
            await asyncio.sleep(0)
            return await super().chat(request, on_delta)
        finally:
            self.open_connections -= 1

    async def _play(self, request: ChatRequest) -> Reply | ModelError:
        repeat = self.loops and len(self.moves) == 1
        move = self.moves[0] if repeat else self.moves.pop(0)
        return await move(request) if callable(move) else move


class Hand:
    """A toolbox of plain functions; those whose name starts with `write` go alone."""

    def __init__(self, **functions: Callable[..., Awaitable[str]]) -> None:
        self.functions = functions
        self.under_way: list[str] = []
        self.seen: list[str] = []  # "+name" at a start, "-name" at an end

    @property
    def specs(self) -> Sequence[ToolSpec]:
        return [ToolSpec(name, f"Does {name}.", {"type": "object"}) for name in self.functions]

    def is_parallel(self, name: str) -> bool:
        return not name.startswith("write")

    def hear(self, sender: str, text: str) -> None:
        """It has no memory."""

    def recall(self, call: ToolCall, result: ToolResult) -> None:
        """It has no memory."""

    async def call(self, call: ToolCall) -> ToolResult:
        if call.name not in self.functions:
            return ToolResult(call.id, call.name, f"there is no tool {call.name}", ok=False)
        self.seen.append(f"+{call.name}")
        try:
            text = await self.functions[call.name](**call.arguments)
        except ValueError as error:
            return ToolResult(call.id, call.name, str(error), ok=False)
        finally:
            self.seen.append(f"-{call.name}")
        return ToolResult(call.id, call.name, text)


async def echo(text: str = "") -> str:
    await asyncio.sleep(0)
    return f"echo {text}"


async def hang(text: str = "") -> str:
    await asyncio.Event().wait()
    return "never"


async def fail(text: str = "") -> str:
    raise ValueError(f"no luck with {text}")


class Mailbox:
    """Notes that wait for a session."""

    def __init__(self) -> None:
        self.waiting: list[Note] = []

    def post(self, text: str, sender: str = "person") -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        self.waiting.append(Note(next(ids), "task-1", sender, text, at))

    async def __call__(self) -> Sequence[Note]:
        waiting, self.waiting = self.waiting, []
        return waiting


def session_of(
    model: Model,
    hand: Hand | None = None,
    *,
    clock: FakeClock | None = None,
    limits: Limits | None = None,
    contract: Contract = anything_goes,
    notes: Notes = no_notes,
    cancel: asyncio.Event | None = None,
    opening: str = "Find the news about lighthouses.",
) -> Session:
    limits = limits or Limits()
    brief = Brief("task-1", "scout", "You are Scout.", opening, limits=limits, contract=contract)
    hand = hand or Hand(echo=echo, fail=fail, hang=hang)
    return Session(brief, model, hand, clock or FakeClock(), notes=notes, cancel=cancel)


async def steps_of(session: Session) -> list[Step]:
    async with aclosing(session.steps()) as steps:
        return [step async for step in steps]


async def end_of(session: Session) -> Ended:
    """How the session ends; there is one end, and it comes last."""
    *before, last = await steps_of(session)
    assert isinstance(last, Ended)
    assert not any(isinstance(step, Ended) for step in before)
    return last


def is_summary_question(request: ChatRequest) -> bool:
    return "You shorten the record" in request.messages[0].content


def long_story(turns: int, summaries: list[Reply | ModelError]) -> Actor:
    """A model that reads one long page each turn, then answers; it is asked for summaries
    in between."""
    moves = [says(f"I read page {n}.", call("page", text=str(n))) for n in range(turns)]
    left = iter([*moves, says("The end.")])

    async def play(request: ChatRequest) -> Reply:
        if is_summary_question(request):
            move = summaries.pop(0) if len(summaries) > 1 else summaries[0]
            if isinstance(move, ModelError):
                raise move
            return move
        return next(left)

    return Actor(play, context=4000, loops=True)


async def page(text: str = "") -> str:
    return f"Page {text}: " + "the lighthouse stands above the sea and the storm. " * 40


GOOD = says("Pages of the lighthouse above the sea and the storm were read.")
