"""A home, a clock, a web of feeds and a client that may reach it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from harness.bus.port import Bus, Priority, Request, State, Task
from harness.clock import FakeClock
from harness.config.home import Home
from harness.network.politeness import Politeness
from harness.network.web import Web
from harness.permission.places import Places
from harness.permission.taint import Taint
from harness.rooted import Root
from harness.tools.context import ToolContext
from tests.doubles.feed_server import FeedServer

# reading the machine's certificates takes longer than most tests
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def a_task(**changes: Any) -> Task:
    task = Task(
        id="01TASK",
        agent="ainews",
        lane="ainews",
        sender="person",
        title="Digest",
        prompt="Digest now",
        state=State.CONFIRMED,
        outcome=None,
        attempt=1,
        max_attempts=3,
        priority=Priority.P1,
        key=None,
        parent=None,
        root="01TASK",
        job=None,
        created_at=NOW,
        updated_at=NOW,
        not_before=NOW,
        deadline=None,
        timeout=timedelta(minutes=20),
        lease_until=None,
        owner="session-1",
        result=None,
        error=None,
        deliver=(),
        callback=False,
        payload={},
    )
    return replace(task, **changes)


class AskedBus:
    """As much of a bus as asking needs: it remembers requests, one per key."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}

    async def request(self, request: Request) -> Task:
        key = request.key or str(len(self.requests))
        self.requests.setdefault(key, request)
        number = list(self.requests).index(key)
        return a_task(id=f"01ASKED{number}", agent=request.agent, state=State.REQUEST)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def bus() -> AskedBus:
    return AskedBus()


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer(now=NOW) as running:
        yield running


@pytest.fixture
async def web(server: FeedServer, clock: FakeClock) -> AsyncIterator[Web]:
    patient = Politeness(clock, at_once=100, gap=0)
    async with Web(
        clock, allow=[server.authority], politeness=patient, timeout=5, verify=TRUSTS_NOBODY
    ) as client:
        yield client


@pytest.fixture
def ctx(home: Home, clock: FakeClock, bus: AskedBus, web: Web) -> ToolContext:
    return ToolContext(
        agent="ainews",
        task=a_task(),
        home=home,
        clock=clock,
        bus=cast(Bus, bus),
        web=web,
        agents=frozenset({"ainews", "zoe", "macro"}),
        spill=home.sessions / "01TASK",
        workspace=Root(home.root),
        places=Places("ainews"),
        taint=Taint(),
    )


def write_sources(home: Home, entries: list[dict[str, Any]], agent: str = "ainews") -> Path:
    path = home.sources_file(agent)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"- {json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)
    path.write_text("".join(lines), encoding="utf-8")
    return path
