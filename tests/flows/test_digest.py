"""From a cron line to a delivered digest: real feeds over real HTTP, three kinds of model."""

from __future__ import annotations

import json
import re

from harness.bus.port import Outcome, Priority, Request, SlotStatus, State
from harness.session.transcript import read_transcript
from tests.doubles.feed_server import FeedServer
from tests.doubles.ollama import Answer, OllamaDouble, call
from tests.flows.house import House

WORKDAYS = {"agent": "ainews", "cron": "30 7 * * 1-5", "deliver": ["archive", "log"]}
MODEL = "qwen3:8b"
DIGEST = "# Digest\n\n1. [One thing](https://example.org/one) happened."


async def test_a_cron_line_becomes_one_archived_digest_without_a_language_model(
    house: House, feeds: FeedServer
) -> None:
    house.job("ainews-morning", **WORKDAYS)

    async with house.daemon() as app:
        await house.until(lambda: bool(house.pages()), step=1)
        (task,) = app.bus.reader.tasks()
        task = await house.final(app, task)
        events = [event.state for event in app.bus.reader.events(task.id)]
        (slot,) = app.bus.reader.slots("ainews-morning")

    (page,) = house.pages()
    text = page.read_text()
    assert events == [State.REQUEST, State.CONFIRMED, State.FINAL]
    assert (slot.status, slot.task) == (SlotStatus.FIRED, task.id)
    assert task.outcome is Outcome.DONE
    assert task.result is not None
    assert task.result.degraded
    assert text.count("without a language model") == 1
    links = re.findall(r"^\d+\. .*?\]\((http[^)]+)\)", text, flags=re.M)
    assert len(links) >= 18
    assert len(set(links)) == len(links)
    asked = {f"{feeds.base}{asked.path}" for asked in feeds.asked if asked.method == "HEAD"}
    assert {link for link in links if link.startswith(feeds.base)} <= asked


async def test_the_next_digest_asks_the_feeds_only_for_what_is_new(
    house: House, feeds: FeedServer
) -> None:
    house.agent("ainews", "rss", "verify_url", sources=feeds.sources(healthy=True))
    async with house.daemon() as app:
        for _ in range(2):
            wish = Request("ainews", "Digest now", deliver=["archive"])
            await house.final(app, await app.bus.request(wish))

    conditional = [asked for asked in feeds.asked if "if-none-match" in asked.headers]
    assert conditional
    assert len(house.pages()) == 2


async def test_the_same_loop_runs_on_a_model_behind_ollama(house: House, feeds: FeedServer) -> None:
    house.job("ainews-morning", **WORKDAYS)
    async with OllamaDouble() as ollama:
        chat = {"provider": "ollama", "model": MODEL, "num_ctx": 32768}
        house.settings["models"] = {"default": "chat", "profiles": {"chat": chat}}
        house.agent("ainews", "rss", "verify_url", model="chat", sources=feeds.sources())
        house.write()
        ollama.say(
            Answer(calls=[call("rss", source="all", limit=20)]),
            Answer(calls=[call("verify_url", urls=[feeds.url("/articles/granite-5")])]),
            Answer(DIGEST),
        )

        async with house.daemon({"OLLAMA_HOST": ollama.url}) as app:
            await house.until(lambda: bool(house.pages()), step=1)
            (task,) = app.bus.reader.tasks()
            task = await house.final(app, task)

    assert task.result is not None
    assert (task.result.model, task.result.degraded) == (f"ollama/{MODEL}", False)
    # the address stood in no feed: it is told, and nobody follows it by accident
    assert task.result.text == DIGEST.replace("(https://example", "(hxxps://example")
    assert task.result.outside
    first, second, third = ollama.chats
    assert first["options"]["num_ctx"] == 32768
    assert "You are ainews." in first["messages"][0]["content"]
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert third["messages"][: len(second["messages"])] == second["messages"]
    header = json.loads(second["messages"][-1]["content"].splitlines()[1])
    assert header["answered"] >= 20


async def test_a_script_can_play_the_model(house: House, feeds: FeedServer) -> None:
    look = {"name": "rss", "arguments": {"limit": 5}}
    house.script("demo", [{"calls": [look]}, {"text": DIGEST}])
    house.agent("ainews", "rss", model="demo", sources=feeds.sources(healthy=True))

    async with house.daemon() as app:
        task = await app.bus.request(Request("ainews", "Digest now", priority=Priority.P0))
        task = await house.final(app, task)
        transcript = read_transcript(house.home.sessions / f"{task.id}-1.jsonl")

    assert task.outcome is Outcome.DONE
    assert transcript.header.agent == "ainews"
    assert [type(step).__name__ for step in transcript.steps][-1] == "Ended"


async def test_with_ollama_away_the_digest_comes_degraded_and_says_so(
    house: House, feeds: FeedServer
) -> None:
    house.settings["models"] = {
        "default": "chat",
        "profiles": {
            "chat": {"provider": "ollama", "model": "m", "fallback": ["offline"]},
            "offline": {"provider": "extractive"},
        },
    }
    house.agent("ainews", "rss", "verify_url", model="chat", sources=feeds.sources())
    house.write()

    async with house.daemon({"OLLAMA_HOST": "127.0.0.1:9"}) as app:
        task = await app.bus.request(Request("ainews", "Digest now", deliver=["archive"]))
        task = await house.final(app, task)

    assert task.result is not None
    assert task.result.degraded
    assert "Degraded" in task.result.text
    assert "degraded: true" in house.pages()[0].read_text()
