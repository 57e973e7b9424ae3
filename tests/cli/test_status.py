"""`harness status`: whether the crew is well, as a person would ask a nurse."""

from __future__ import annotations

import os
import time

from harness.bus import incidents, recoveries, transitions
from harness.bus.port import Outcome, Recovered, Request, Result, Task
from harness.bus.sync import SyncBus
from harness.clock import SystemClock
from harness.config.home import Home
from harness.ids import Ids
from harness.services.lock import HomeLock
from tests.cli.conftest import Harness


def open_bus(home: Home) -> SyncBus:
    clock = SystemClock()
    return SyncBus(home, clock, Ids(clock))


def failed(bus: SyncBus) -> Task:
    bus.request(Request("scout", "Look.", job="morning"))
    task = bus.run(transitions.claim, "scout", cap=1, owner="s")
    assert task is not None
    return bus.run(transitions.final, task, Outcome.FAILED, Result(), note="no sea")


def test_a_healthy_crew_gets_one_reassuring_line(harness: Harness) -> None:
    said = harness("status")

    assert "nothing to recover from in 14 days" in said.out
    assert "failing" not in said.out


def test_what_the_house_put_right_is_counted_and_told(harness: Harness, home: Home) -> None:
    with open_bus(home) as bus:
        for _ in range(2):
            bus.run(recoveries.record, Recovered.RESTARTED, "courier", "OSError: disk full")
        bus.run(recoveries.record, Recovered.LEASE, "01TASK", "scout: tried again")

    told = harness("status", "--json").document["recoveries"]

    assert [row["kind"] for row in told] == [
        "lease expired",
        "service restarted",
        "service restarted",
    ]
    assert told[0]["subject"] == "01TASK"
    line = harness("status").out
    assert "3 times in 14 days: service restarted (2), lease expired (1)" in line
    assert "01TASK, scout: tried again" in line


def test_what_fails_in_a_row_is_named(harness: Harness, home: Home) -> None:
    with open_bus(home) as bus:
        for _ in range(3):
            last = failed(bus)
        bus.run(incidents.review, [])

    (row,) = harness("status", "--json").document["failing"]

    assert (row["subject"], row["failures"], row["task"]) == ("job morning", 3, last.id)
    assert "job morning (3 in a row)" in harness("status").out


def test_a_daemon_that_stands_still_does_not_pass_for_one_that_runs(
    harness: Harness, home: Home
) -> None:
    with HomeLock(home):
        assert "running (process" in harness("status").out
        os.utime(home.lock, times=(time.time(), time.time() - 95))

        said = harness("status")

        assert said.code == 0
        assert "stands still" in said.out
        assert "no sign of life for 0:01:3" in said.out
        assert harness("status", "--json").document["silence_s"] >= 95
