"""The lookout: what is said of the model is true within a minute."""

from __future__ import annotations

import asyncio

from harness.app import App
from harness.clock import FakeClock
from harness.models.chain import FallbackModel
from harness.models.extractive import ExtractiveModel
from harness.models.port import ChatRequest, Message, ModelUnavailable, OnDelta, Reply, Role
from harness.services.lock import HomeLock, holder
from harness.services.lookout import LOOK_SECONDS, Lookout, Outlook
from tests.doubles.ollama import OllamaDouble
from tests.flows.conftest import clock, house
from tests.flows.house import House

__all__ = ["clock", "house"]

MINUTE = 60.0


class Far:
    """A model on a server that comes and goes."""

    name = "ollama/far"
    context_tokens = 8_000

    def __init__(self) -> None:
        self.trouble: str | None = None

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        raise ModelUnavailable("it is busy")

    async def probe(self) -> str | None:
        return self.trouble

    async def aclose(self) -> None:
        """There is nothing to give back."""


async def test_only_news_is_told(clock: FakeClock) -> None:
    far, told = Far(), list[Outlook]()
    chain = FallbackModel([far, ExtractiveModel(clock)], clock)
    lookout = Lookout(lambda: chain, told.append, clock)

    for far.trouble in (None, None, "the server is away", "the server is away", None):
        await lookout.look()

    assert told == [
        Outlook("ollama/far", "ollama/far", None),
        Outlook("extractive/digest", "ollama/far", "the server is away"),
        Outlook("ollama/far", "ollama/far", None),
    ]


async def test_a_model_that_rests_after_a_failure_is_not_what_answers(clock: FakeClock) -> None:
    chain = FallbackModel([Far(), ExtractiveModel(clock)], clock)
    lookout = Lookout(lambda: chain, lambda now: None, clock)

    await chain.chat(ChatRequest((Message(Role.USER, "Hello."),)))

    assert await lookout.look() == Outlook(
        "extractive/digest", "ollama/far", "it failed a moment ago: it is busy"
    )


async def test_without_any_model_the_trouble_is_told(clock: FakeClock) -> None:
    far = Far()
    far.trouble = "the server is away"
    lookout = Lookout(lambda: FallbackModel([far], clock), lambda now: None, clock)

    assert await lookout.look() == Outlook("ollama/far", "ollama/far", "the server is away")


async def test_who_asks_the_lock_hears_within_a_minute_that_the_model_is_there(
    house: House, clock: FakeClock
) -> None:
    async with OllamaDouble() as ollama:
        chat = {"provider": "ollama", "model": "absent:1b", "fallback": ["offline"]}
        house.settings["models"] = {
            "default": "chat",
            "profiles": {"chat": chat, "offline": {"provider": "extractive"}},
        }
        house.write()
        with HomeLock(house.home) as lock:
            app = App.open(house.home, clock, {"OLLAMA_HOST": ollama.url}, hold=lock)
            await app.ready()
            before = holder(house.home)
            stop = asyncio.Event()
            running = asyncio.create_task(app.supervisor().run(stop))
            chat["model"] = "qwen3:8b"
            house.write()
            began = clock.monotonic()
            await house.until(lambda: (holder(house.home) or {}).get("trouble") is None, step=1)
            after = holder(house.home)
            stop.set()
            while not running.done():
                await clock.advance(1)
                await asyncio.sleep(0.001)
            await app.aclose()

    assert before is not None
    assert after is not None
    assert (before["model"], after["model"]) == ("extractive/digest", "ollama/qwen3:8b")
    assert {**after, "model": None, "trouble": None} == {**before, "model": None, "trouble": None}
    assert clock.monotonic() - began <= MINUTE + LOOK_SECONDS


async def test_a_model_that_was_away_and_is_back_is_asked_again_at_once(clock: FakeClock) -> None:
    far = Far()
    chain = FallbackModel([far, ExtractiveModel(clock)], clock)
    lookout = Lookout(lambda: chain, lambda now: None, clock)
    far.trouble = "the server is away"
    await lookout.look()
    await chain.chat(ChatRequest((Message(Role.USER, "Hello."),)))
    assert chain.name == "extractive/digest"

    far.trouble = None

    assert await lookout.look() == Outlook("ollama/far", "ollama/far", None)
    assert chain.name == "ollama/far"
