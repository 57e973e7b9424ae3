"""A lock and a database that are taken away under a running daemon."""

from __future__ import annotations

import shutil

import pytest

from harness.bus.port import Request
from harness.bus.reader import Reader
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import Fatal
from harness.services.floor import Floor


@pytest.fixture
def floor(home: Home, bus: SqliteBus, clock: FakeClock) -> Floor:
    return Floor(home, bus.reader, lambda: home.state.exists(), clock)


async def test_a_house_in_order_stands(floor: Floor) -> None:
    floor.check()


@pytest.mark.parametrize("replace", [False, True])
async def test_a_database_that_is_removed_is_fatal_and_nothing_in_it_is_lost(
    home: Home, bus: SqliteBus, floor: Floor, replace: bool
) -> None:
    task = await bus.request(Request("scout", "Look."))
    home.database.unlink()
    if replace:
        home.database.write_bytes(b"something else")

    with pytest.raises(Fatal, match="the database was removed or replaced"):
        floor.check()
    told = floor.rescue()

    (beside,) = [*home.root.glob("harness.db.rescued-*")] or [home.database]
    assert ("harness up" in told) != replace
    assert (str(beside) in told) == replace
    assert beside.stat().st_mode & 0o777 == 0o600
    with Reader(beside) as reader:
        assert reader.get(task.id).prompt == "Look."


async def test_a_folder_that_is_removed_is_fatal_and_the_database_is_kept_beside(
    home: Home, bus: SqliteBus, floor: Floor
) -> None:
    task = await bus.request(Request("scout", "Look."))
    shutil.rmtree(home.state)

    with pytest.raises(Fatal, match=r"the folder \.harness was removed"):
        floor.check()
    floor.rescue()

    (beside,) = home.root.glob("harness.db.rescued-*")
    with Reader(beside) as reader:
        assert reader.get(task.id).prompt == "Look."
