"""Reflection that is killed at each of its writes: the next run goes on, and nothing is twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.memory.rules.lines import parse
from harness.memory.team.proposals import Proposals
from harness.text.secrets import Redactor
from tests.cli.test_reflecting import lesson
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import book

__all__ = ["clock", "house"]

pytestmark = pytest.mark.chaos

KILLED = 9
MOST = 60  # runs until one comes through
# a process that gives up its life instead of a durable write, the number of which it is told
SCRIPT = """
import os, signal, sys
from harness.cli.main import run
left = [int(sys.argv.pop(1))]
durable = os.fsync
def fsync(handle):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    durable(handle)
os.fsync = fsync
run()
"""


def runs(root: Path) -> Iterator[int]:
    """How each run ended: the first is killed at its first write, the next at its second, ..."""
    for number in range(1, MOST):
        call = [sys.executable, "-c", SCRIPT, str(number), "memory", "reflect", "--home", str(root)]
        code = subprocess.run(call, capture_output=True, timeout=60, check=False).returncode
        yield code
        if code == 0:
            return


def test_a_reflection_killed_at_each_write_makes_each_rule_once(house: House) -> None:
    house.agent("scout")
    entry = lesson(house.home)

    ends = list(runs(house.home.root))

    assert ends[-1] == 0
    assert set(ends[:-1]) == {-KILLED}
    assert len(ends) > 3
    rules = [line.rule for line in parse(house.home.memory_file("scout").read_text()) if line.rule]
    assert [rule.entries for rule in rules] == [(entry,)]
    learning = book(house, "scout").get(entry)
    assert (learning.status, learning.count) == ("promoted", 3)
    assert Proposals(house.home, Redactor()).waiting() == []
