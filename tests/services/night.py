"""A house at night: lessons in its files, and its own work done on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from harness.app import App
from harness.audit.reader import last_lines
from harness.bus.port import Request, Task
from harness.memory.learning import Kind, Learning, Observation, Source
from harness.memory.lessons.book import Book
from harness.models.chain import FallbackModel
from harness.models.scripted import Script, ScriptedModel, Turn
from harness.services.fires import CRON, WORK
from harness.services.night.shift import ONLY
from harness.session.steps import Ended
from harness.text.secrets import Redactor
from tests.flows.house import House

FIX = "When reading a table of amounts, use BILLBOARD_BUY_AMT instead of BUY_AMT."


@dataclass
class Night:
    """An open app whose services do not run: what is asked is done at once."""

    house: House
    app: App
    model: ScriptedModel

    async def work(
        self, *works: str, only: str | None = None, sender: str = CRON, minutes: float = 20
    ) -> Ended:
        """Do the house's work as a task of zoe's."""
        return await self.app.housework(
            await self.task(*works, only=only, sender=sender, minutes=minutes), asyncio.Event()
        )

    async def task(
        self, *works: str, only: str | None = None, sender: str = CRON, minutes: float = 20
    ) -> Task:
        payload: dict[str, Any] = {WORK: list(works)} | ({ONLY: only} if only else {})
        wish = Request(
            "zoe", "Work.", sender=sender, payload=payload, timeout=timedelta(minutes=minutes)
        )
        return await self.app.bus.request(wish)

    async def deeds(self, action: str) -> list[dict[str, Any]]:
        """What the audit holds of that kind."""
        await self.app.audit.aclose()
        lines = last_lines(self.house.home.audit, 1000)
        return [dict(line.details) for line in lines if line.action == action]

    def memory(self, agent: str = "trading") -> str:
        path = self.house.home.memory_file(agent)
        return path.read_text() if path.exists() else ""

    def rules(self, agent: str = "trading") -> list[str]:
        lines = self.memory(agent).splitlines()
        return [line.partition(" <!-- learned")[0][2:] for line in lines if "; rule " in line]


@asynccontextmanager
async def night(house: House, turns: Sequence[Turn] | Script = ()) -> AsyncIterator[Night]:
    """The house with three agents, whose model plays `turns` and is no scripted one to them."""
    for agent in ("ainews", "trading", "zoe"):
        house.agent(agent)
    app = App.open(house.home, house.clock, {})
    model = ScriptedModel(turns, name="local/words")
    app.models.chains["offline"] = FallbackModel([model], house.clock)
    try:
        yield Night(house, app, model)
    finally:
        await app.aclose()


def book(house: House, agent: str) -> Book:
    return Book(house.home, agent, Redactor())


def seen(house: House, agent: str = "trading", *, times: int = 3, **changes: Any) -> Learning:
    """A lesson that the agent learned on as many days before now, a task each."""
    known = book(house, agent)
    tag = changes.pop("tag", "")
    entry = ""
    for day in range(times):
        facts: dict[str, Any] = {
            "kind": Kind.ERROR,
            "title": "read",
            "summary": "data/BUY_AMT.csv is not there.",
            "source": Source.TOOL,
            "task": f"task{tag}{day}",
            "at": house.clock.now() - timedelta(days=times - day - 1, minutes=5),
            "key": "data.wrong-field",
            "fix": FIX,
            "error": "no file data/BUY_AMT.csv; did you mean BILLBOARD_BUY_AMT.csv?",
        }
        entry = known.record(Observation(**facts | changes)).id
    return known.get(entry)
