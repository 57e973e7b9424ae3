"""Each fault at each point of a call: the right error in its time, nothing left behind, and the
next call is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from harness.models.embed import OllamaEmbedder
from harness.models.openai import OpenAIModel
from harness.models.port import ChatRequest, Message, ModelError, ModelUnavailable, Role, ToolSpec
from tests.doubles.ollama import Answer, Fault, OllamaDouble, Rules
from tests.models.faulty import (
    CASES,
    COMPLETIONS,
    FIRST_TOKEN,
    LOADING,
    MODEL,
    OTHER,
    ROOM,
    VECTORS,
    WORDS,
    Before,
    Case,
    befall,
    double,
    heal,
)
from tests.models.pool.using import House, house
from tests.virtual_http import VirtualClock, in_virtual_time

RSS = ToolSpec("rss", "Read feeds.", {"type": "object", "properties": {"limit": {}}})
ASKED = ChatRequest([Message(Role.USER, "hi")], tools=[RSS])
A_MOMENT = 0.1  # seconds in which hanging up arrives at the server
OVERHEAD = 2  # connections that one call may have: its own, and that of a look


async def end_of(call: Awaitable[object]) -> type[ModelError] | None:
    """The error in which it ends; None for an answer."""
    try:
        await call
    except ModelError as error:
        return type(error)
    return None


async def asked_before(case: Case, at: House) -> None:
    match case.before:
        case Before.SAME:
            await at.ask(MODEL)
        case Before.OTHER:
            await at.ask(OTHER)
            await asyncio.sleep(4.0)  # what the pool saw is not fresh any more


@pytest.mark.parametrize("case", CASES, ids=str)
@in_virtual_time
async def test_a_call_that_is_befallen_ends_in_time_and_leaves_nothing_behind(case: Case) -> None:
    async with double(clock=VirtualClock()) as server:
        before = asyncio.all_tasks()
        async with house(server, memory=ROOM) as at:
            await asked_before(case, at)
            await befall(case, server)
            began = at.clock.monotonic()

            error = await end_of(at.model(MODEL).chat(ASKED))

            assert error == case.error
            assert at.clock.monotonic() - began == pytest.approx(case.seconds, abs=1.0)
            assert at.is_empty
            await asyncio.sleep(A_MOMENT)
            assert server.engine.users == 0
            assert server.open_connections <= OVERHEAD

            await heal(server)
            began = at.clock.monotonic()
            reply = await at.ask(MODEL)

            assert reply.message.content == "You said: hi"
            assert at.clock.monotonic() - began < 2.0
        await asyncio.sleep(A_MOMENT)
        assert server.open_connections == 0
        assert not {task for task in asyncio.all_tasks() - before if not of_server(task)}


@pytest.mark.parametrize("case", VECTORS, ids=str)
@in_virtual_time
async def test_embeddings_that_are_befallen_leave_nothing_behind_either(case: Case) -> None:
    async with double(clock=VirtualClock()) as server, house(server) as at:
        embedder = OllamaEmbedder(at.pool, MODEL)
        if case.before is Before.SAME:
            await embedder.embed(["hi"])
        await befall(case, server)
        began = at.clock.monotonic()

        error = await end_of(embedder.embed(["hi"]))

        assert error == case.error
        assert at.clock.monotonic() - began == pytest.approx(case.seconds, abs=1.0)
        assert at.is_empty
        await asyncio.sleep(A_MOMENT)
        assert server.engine.users == 0
        await heal(server)
        assert len(await embedder.embed(["hi", "you"])) == 2


@pytest.mark.parametrize("case", COMPLETIONS, ids=str)
@in_virtual_time
async def test_a_hosted_call_that_is_befallen_gives_its_slot_back(case: Case) -> None:
    clock = VirtualClock()
    async with double(clock=clock) as server:
        model = OpenAIModel(f"{server.url}/v1", MODEL, clock=clock, slots=1)
        await befall(case, server)

        error = await end_of(model.chat(ASKED))

        assert error == case.error
        assert clock.monotonic() == pytest.approx(case.seconds, abs=1.0)
        assert model.slots.free == 1
        await asyncio.sleep(A_MOMENT)
        assert server.engine.users == 0
        assert server.open_connections <= 1
        await heal(server)
        assert (await model.chat(ASKED)).message.content == "You said: hi"
        await model.aclose()
        await asyncio.sleep(A_MOMENT)
        assert server.open_connections == 0


@in_virtual_time
async def test_a_call_that_hangs_beside_others_that_talk_ends_too() -> None:
    rules = Rules(parallel=2)
    async with (
        OllamaDouble(rules=rules, clock=VirtualClock()) as server,
        house(server, slots=2) as at,
    ):
        server.say(Answer(fault=Fault.HANG))
        server.answers = lambda _: Answer(WORDS, piece_after=30.0)
        hung = at.start("qwen3:8b")
        await asyncio.sleep(1.0)

        async def talk() -> None:
            while not hung.done():
                await at.ask("qwen3:8b")

        error, _ = await asyncio.gather(end_of(hung), talk())

        assert error is ModelUnavailable
        assert at.clock.monotonic() < FIRST_TOKEN + LOADING + 3 * 30.0
        assert at.is_empty


def of_server(task: asyncio.Task[object]) -> bool:
    """Whether it is the double's, such as the timer that unloads a model."""
    return "tests/doubles" in str(task.get_coro()) or "Engine" in str(task.get_coro())
