"""A person who is asked about calls, and what he sees of the house."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.app import App
from harness.audit.reader import last_lines
from harness.bus.port import Approval, State
from harness.bus.sync import SyncBus
from harness.ids import Ids
from harness.models.scripted import ScriptedModel
from tests.flows.house import House

DIARY = "notes/diary.md"


def write(path: str = DIARY, content: str = "Calm sea.") -> dict[str, Any]:
    return {"name": "write", "arguments": {"path": path, "content": content}}


def read(path: str) -> dict[str, Any]:
    return {"name": "read", "arguments": {"path": path}}


def person(house: House) -> SyncBus:
    """The command line of a person, beside a daemon or without one."""
    return SyncBus(house.home, house.clock, Ids(house.clock))


def decide(house: House, approval: Approval, *, approved: bool = True, note: str = "") -> None:
    with person(house) as bus:
        bus.decide(approval.id, approved=approved, actor="person", note=note or None)


def questions(house: House) -> list[Approval]:
    with person(house) as bus:
        return bus.reader.pending_approvals(house.clock.now())


async def asked(house: House, app: App, number: int = 1) -> list[Approval]:
    """The open questions once there are so many, and every task that asks is parked."""

    def all_wait() -> bool:
        found = questions(house)
        tasks = [app.bus.reader.get(each.task) for each in found]
        return len(found) == number and all(task.state is State.REQUEST for task in tasks)

    await house.until(all_wait)
    return questions(house)


def heard(app: App, request: int = -1) -> str:
    """All that the model was told with one of its questions."""
    return "\n".join(message.content for message in player(app).requests[request].messages)


def player(app: App) -> ScriptedModel:
    model = app.models.built["player"]
    assert isinstance(model, ScriptedModel)
    return model


def actions(house: House) -> list[str]:
    return [line.action for line in last_lines(house.home.audit, 99)]


async def killed(app: App, house: House, *, at: str) -> None:
    """Let a daemon work until it calls `at` of its bus, and end it there like a power cut."""
    reached = asyncio.Event()

    async def hang(*arguments: object, **more: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    setattr(app.bus, at, hang)
    working = asyncio.create_task(app.dispatcher.run(asyncio.Event()))
    await house.until(reached.is_set)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await app.aclose()
