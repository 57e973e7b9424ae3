"""A night of the house: a cron slot fires, lessons become rules, and the person finds a page."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from harness.app import App
from harness.bus.port import Outcome, Request, Task
from harness.cli.reflecting import posted, wish_of
from harness.clock import FakeClock
from harness.models.chain import FallbackModel
from harness.models.port import ChatRequest
from harness.models.scripted import ScriptedModel
from harness.services.fires import WORK
from tests.flows.conftest import clock, house
from tests.flows.house import House, is_over
from tests.services.night import FIX, book, seen

__all__ = ["clock", "house"]

ZONE = ZoneInfo("America/Los_Angeles")


def at(clock: FakeClock, hour: int, minute: int = 0) -> float:
    """Seconds until shortly before that time of the day."""
    now = clock.now().astimezone(ZONE)
    due = now.replace(hour=hour, minute=minute, second=0) - timedelta(seconds=5)
    return (due - now).total_seconds()


async def fired(house: House, app: App, job: str) -> Task:
    def over() -> bool:
        return any(is_over(each) for each in app.bus.reader.tasks(job=job))

    await house.until(over, step=0.5)
    (task,) = app.bus.reader.tasks(job=job)
    return task


def nightly(house: House) -> None:
    for agent in ("trading", "zoe"):
        house.agent(agent)
    early = {"agent": "zoe", "cron": "0 22 * * *", "work": "reflect", "deliver": ["archive"]}
    late = {**early, "cron": "45 23 * * *", "work": ["reflect", "gather"]}
    house.job("early", **early)
    house.job("late", **late)


async def test_a_night_makes_a_rule_and_a_page_and_says_nothing_twice(house: House) -> None:
    nightly(house)
    learning = seen(house)
    async with house.daemon() as app:
        await house.clock.advance(at(house.clock, 22))
        early = await fired(house, app, "early")
        await house.clock.advance(at(house.clock, 23, 45))
        late = await fired(house, app, "late")

    assert (early.outcome, late.outcome) == (Outcome.DONE, Outcome.DONE)
    assert early.result is not None
    assert early.result.degraded
    assert f"- trading: {FIX} ({learning.id}" in early.result.text
    assert house.home.memory_file("trading").read_text().count(FIX) == 1
    assert book(house, "trading").get(learning.id).promoted == datetime(2026, 1, 5).date()
    assert late.result is not None
    assert late.result.text == ""
    assert len(house.pages()) == 1
    assert FIX in house.pages()[0].read_text()


async def test_a_run_that_a_person_cancels_writes_nothing_more(house: House) -> None:
    nightly(house)
    seen(house)
    asked = asyncio.Event()

    async def slow(request: ChatRequest) -> str:
        asked.set()
        await house.clock.sleep(600)
        return FIX

    async with house.daemon() as app:
        model = ScriptedModel(slow, name="local/words")
        app.models.chains["offline"] = FallbackModel([model], house.clock)
        task = await app.bus.request(Request("zoe", "Reflect.", payload={WORK: ["reflect"]}))
        await house.until(asked.is_set)
        await app.bus.cancel(task.id, actor="person")
        await house.until(lambda: not app.dispatcher.cancels)
        task = app.bus.reader.get(task.id)

    assert task.outcome is Outcome.CANCELLED
    assert not house.home.memory_file("trading").exists()


async def test_a_person_who_asks_the_crew_to_reflect_gets_the_report(house: House) -> None:
    nightly(house)
    seen(house)
    async with house.daemon() as app:
        wish = wish_of(app.crew, "trading", timedelta(minutes=20))
        asked = asyncio.create_task(asyncio.to_thread(posted, house.home, wish, "30s"))
        await house.until(asked.done)
        task = asked.result()

    assert (task.agent, task.outcome) == ("zoe", Outcome.DONE)
    assert task.result is not None
    assert FIX in task.result.text
