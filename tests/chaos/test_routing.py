"""A daemon that is killed between a decision of the router and what comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.bus.reader import Reader
from harness.bus.routed import LANE
from tests.chaos.test_approvals import ended
from tests.chaos.test_daemon import harness, up
from tests.flows.house import House

pytestmark = pytest.mark.chaos

KILLED = -9
# a daemon that gives up its life once it has decided, before or after that is written
SCRIPT = """
import os, signal, sys
from harness.bus.sqlite import SqliteBus
from harness.cli.main import run
when, write = sys.argv.pop(1), SqliteBus.readdress
async def readdress(self, task, decision):
    if when == "after":
        await write(self, task, decision)
    os.kill(os.getpid(), signal.SIGKILL)
SqliteBus.readdress = readdress
run()
"""


def killed(root: Path, when: str) -> int:
    """How a daemon ended that was to die at that moment."""
    call = [sys.executable, "-c", SCRIPT, when, "up", "--home", str(root)]
    return subprocess.run(call, capture_output=True, timeout=60, check=False).returncode


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_request_is_handed_over_once_whenever_its_daemon_dies(
    house: House, when: str
) -> None:
    house.agent("scout")
    house.agent("zoe")
    root = house.home.root
    _, task = await harness(root, "send", "Book a table.")

    end = killed(root, when)
    async with up(root):
        done: dict[str, Any] = await ended(root, task["id"])

    assert end == KILLED
    assert (task["agent"], done["agent"], done["outcome"]) == (LANE, "zoe", "done")
    with Reader(house.home.database) as reader:
        decisions = [event for event in reader.events(task["id"]) if event.actor == LANE]
        assert [event.note for event in decisions] == ["to zoe (unsure: no language model)"]
