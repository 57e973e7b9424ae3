"""Befallen calls by the hundred, several at a time: each ends, and nothing is left of any."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.models.ledger.call import Call, CallOutcome
from harness.models.ledger.reader import LedgerReader
from tests.models.pool.using import request
from tests.models.storm import LONGEST_HELD, Storm
from tests.virtual_http import in_virtual_time

KEPT_ALIVE = 16  # connections to a server that wait for their next use
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
END = {"reply": "done", "cancelled": "cancelled"}  # of a call, and so its outcome; else `failed`


@pytest.mark.parametrize("seed", range(3))
def test_befallen_calls_leave_nothing_behind(seed: int, tmp_path: Path) -> None:
    rage(seed, tmp_path, calls=60)


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_befallen_calls_leave_nothing_behind(seed: int, tmp_path: Path) -> None:
    rage(seed, tmp_path, calls=1000)


@in_virtual_time
async def rage(seed: int, folder: Path, calls: int) -> None:
    storm = Storm(seed, folder)
    async with AsyncExitStack() as servers:
        for server in storm.servers:
            await servers.enter_async_context(server)
        before = asyncio.all_tasks()
        storm.open()

        await storm.rage(calls)

        nothing_is_held(storm)
        await asyncio.sleep(60.0)  # till the last load has come to its end
        assert sum(server.engine.users for server in storm.servers) == 0
        assert all(server.open_connections <= KEPT_ALIVE for server in storm.servers)
        for model in storm.models:
            assert (await model.chat(request())).message.content == "Word by word by word."
        await storm.aclose()
        await asyncio.sleep(0.1)
        assert sum(server.open_connections for server in storm.servers) == 0
        assert not [task for task in asyncio.all_tasks() - before if not of_server(task)]
    every_call_is_written_down(storm, rows(folder))


def nothing_is_held(storm: Storm) -> None:
    state = storm.pool.snapshot()
    assert storm.strange == []
    assert state.lines == ()
    assert not [each for host in state.hosts for each in host.residents if each.running]
    assert state.counters.sent_back > 0
    assert storm.held <= LONGEST_HELD
    assert [limit.held for limit in storm.limits.standing()] == [0.0]


def every_call_is_written_down(storm: Storm, rows: list[Call]) -> None:
    outcomes = [row.outcome for row in rows if row.outcome is not CallOutcome.SENT_BACK]
    expected = [END.get(end, "failed") for end in storm.ends.elements()]
    assert sorted(outcomes) == sorted([*expected, *["done"] * len(storm.models)])


def rows(folder: Path) -> list[Call]:
    with LedgerReader(folder / "ledger.db") as reader:
        return reader.calls(*ALWAYS)


def of_server(task: asyncio.Task[object]) -> bool:
    """Whether it is the double's, such as the timer that unloads a model."""
    return "Engine" in str(task.get_coro())
