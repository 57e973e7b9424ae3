"""What many tests start from: an empty home, a clock that stands still, a bus in it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.agents.mkdir(parents=True)
    home.cron_file.write_text("jobs: {}\n")
    return home


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def bus(home: Home, clock: FakeClock) -> AsyncIterator[SqliteBus]:
    async with SqliteBus.open(home, clock, Ids(clock, random.Random(7).getrandbits)) as bus:
        yield bus
