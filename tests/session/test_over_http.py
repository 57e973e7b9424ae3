"""A session over real HTTP, against the double of the Ollama server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from harness.bus.port import Outcome
from harness.clock import SystemClock
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.session.brief import Brief
from harness.session.loop import Session
from harness.session.steps import Reason
from tests.doubles.ollama import Answer, Fault, OllamaDouble, call
from tests.session.doubles import Hand, echo, end_of

BRIEF = Brief("task-1", "scout", "You are Scout.", "Find the lighthouses.")
CLOCK = SystemClock()


@pytest.fixture
async def server() -> AsyncIterator[OllamaDouble]:
    async with OllamaDouble() as double:
        yield double


@pytest.fixture
async def model(server: OllamaDouble) -> AsyncIterator[OllamaModel]:
    model = OllamaModel(Pool([OllamaHost(server.url)]), "qwen3:8b", clock=CLOCK)
    yield model
    await model.aclose()


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until it holds; five seconds are a failure."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def test_calls_and_results_travel_and_the_answer_comes_back(
    server: OllamaDouble, model: OllamaModel
) -> None:
    asked = [call("echo", text="one"), call("echo", text="two")]
    server.say(Answer(calls=asked), Answer("Two echoes."))

    ended = await end_of(Session(BRIEF, model, Hand(echo=echo), CLOCK))

    assert (ended.outcome, ended.result.text) == (Outcome.DONE, "Two echoes.")
    assert ended.result.tokens["prompt"] > 0
    told = [m["content"] for m in server.chats[1]["messages"] if m["role"] == "tool"]
    assert told == ["echo one", "echo two"]


async def test_cancelling_a_session_closes_its_connection(
    server: OllamaDouble, model: OllamaModel
) -> None:
    server.say(Answer("Once upon a time", fault=Fault.HANG, fault_after=1))
    cancel = asyncio.Event()
    session = Session(BRIEF, model, Hand(), CLOCK, cancel=cancel)
    task = asyncio.create_task(end_of(session))

    await until(lambda: bool(server.chats))
    cancel.set()
    ended = await task
    await until(lambda: server.calls[-1].outcome != "running")

    assert ended.reason is Reason.CANCELLED
    assert server.calls[-1].outcome == "cancelled"


async def test_a_server_that_is_away_fails_the_attempt_and_asks_for_another(
    server: OllamaDouble, model: OllamaModel
) -> None:
    await server.stop()

    ended = await end_of(Session(BRIEF, model, Hand(), CLOCK))

    assert (ended.reason, ended.retry) == (Reason.MODEL_UNAVAILABLE, True)
