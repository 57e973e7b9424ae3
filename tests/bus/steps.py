"""Steps that several tests of the bus take."""

from __future__ import annotations

from harness.bus.port import (
    Request,
    Result,
    Task,
)
from harness.bus.sqlite import SqliteBus

ANSWER = Result("Nothing new.", {"items": 0}, ("archive/a.md",), {"prompt": 9, "completion": 3})


async def taken(bus: SqliteBus, lane: str = "scout", *, owner: str = "s1", cap: int = 1) -> Task:
    task = await bus.claim(lane, cap=cap, owner=owner)
    assert task is not None
    return task


async def dead(bus: SqliteBus) -> Task:
    await bus.request(Request("scout", "Look."))
    return await bus.fail(await taken(bus), "no such page", permanent=True)


def states(bus: SqliteBus, task: Task) -> list[str]:
    return [event.outcome or event.state for event in bus.reader.events(task.id)]
