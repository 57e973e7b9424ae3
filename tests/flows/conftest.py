"""A house at half past seven in Los Angeles, and a web of feeds beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.clock import FakeClock
from tests.doubles.feed_server import FeedServer
from tests.flows.house import House
from tests.flows.person import write

SHORTLY_BEFORE = datetime(2026, 1, 5, 15, 29, 30, tzinfo=UTC)  # a Monday, 07:29:30 there


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SHORTLY_BEFORE)


@pytest.fixture
def house(tmp_path: Path, clock: FakeClock) -> House:
    return House(tmp_path / "home", clock)


@pytest.fixture
async def feeds(house: House) -> AsyncIterator[FeedServer]:
    async with FeedServer(now=SHORTLY_BEFORE) as server:
        house.settings["network"] = {"allow": [server.authority]}
        house.agent("ainews", "rss", "verify_url", sources=server.sources())
        house.write()
        yield server


@pytest.fixture
def diarist(house: House) -> None:
    """An agent `scout` that may write below `free/`, and elsewhere when a person lets it."""
    house.settings["permissions"] = {"allow": ["write(free/**)"], "patience": "10m"}
    house.settings["delivery"] = {"default": ["archive"]}
    house.agent("scout", "write", "read", "glob", model="player")
    house.script("player", [{"calls": [write()]}, "The diary is written."])
