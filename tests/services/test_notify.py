"""What the service manager is told, over a real socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import FakeClock, settle
from harness.services.notify import Notifier, Watchdog, watchdog_period


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def heard(manager: socket.socket) -> list[str]:
    manager.setblocking(False)
    told = []
    while True:
        try:
            told.append(manager.recv(4096).decode())
        except BlockingIOError:
            return told


def test_facts_go_out_as_lines(manager: socket.socket) -> None:
    Notifier.of({"NOTIFY_SOCKET": manager.getsockname()}).send(READY=1, STATUS="6 agents")

    assert heard(manager) == ["READY=1\nSTATUS=6 agents"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="abstract sockets are Linux's")
def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0harness-test-{os.getpid()}")

        Notifier(f"@harness-test-{os.getpid()}").send(READY=1)

        assert heard(listening) == ["READY=1"]


def test_without_a_manager_nothing_is_said_and_a_lost_one_breaks_nothing(tmp_path: Path) -> None:
    Notifier.of({}).send(READY=1)
    Notifier(str(tmp_path / "gone")).send(READY=1)


async def test_a_sign_of_life_is_given_twice_in_each_period_while_all_is_well(
    manager: socket.socket, clock: FakeClock
) -> None:
    well = [True]
    watchdog = Watchdog(Notifier(manager.getsockname()), lambda: well[0], 60.0, clock)
    stop = asyncio.Event()
    running = asyncio.create_task(watchdog.run(stop))
    await settle()
    await clock.advance(90)
    assert heard(manager) == ["WATCHDOG=1"] * 4

    well[0] = False
    await clock.advance(300)

    assert heard(manager) == []
    stop.set()
    await running


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_the_period_is_that_of_this_process(environment: dict[str, str], seconds: float) -> None:
    assert watchdog_period(environment) == seconds
