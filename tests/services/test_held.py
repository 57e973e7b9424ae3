"""A night's work while a person has a file of the memory open."""

from __future__ import annotations

import sys

import pytest

from harness import files
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import FIX, night, seen

__all__ = ["clock", "house"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
async def test_a_memory_that_an_editor_has_open_is_told_and_taken_up_the_next_night(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    seen(house)
    path = house.home.memory_file("trading")
    path.write_text("# Memory\n")
    async with night(house, [FIX, FIX]) as at_night:
        with path.open("a"):
            held = await at_night.work("reflect")
        before = at_night.rules()
        await at_night.work("reflect")

    assert "MEMORY.md is being written by somebody else: try again later" in held.result.text
    assert (before, at_night.rules()) == ([], [FIX])
