"""Telling systemd how we are (sd_notify(3)); without its socket nothing is said to anybody."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

import structlog

from harness.clock import Clock
from harness.services.waiting import unless

log = structlog.get_logger("notify")


class Notifier:
    """Sends lines of NAME=VALUE to the service manager."""

    def __init__(self, address: str | None) -> None:
        # an address that begins with @ is an abstract one, which a null byte stands for
        self.address = f"\0{address[1:]}" if address and address.startswith("@") else address

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Notifier:
        return cls(environment.get("NOTIFY_SOCKET"))

    def send(self, **facts: object) -> None:
        """What cannot be sent is logged: nobody's work depends on it."""
        if not self.address:
            return
        lines = "\n".join(f"{name}={value}" for name, value in facts.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.sendto(lines.encode(), self.address)
        except OSError as error:
            log.warning("the service manager was not told", reason=str(error))


class Watchdog:
    """A service: tells the service manager that we are well, twice in each of its periods.

    Only while `healthy` says so: a daemon that lives and does nothing is started anew.
    """

    def __init__(
        self, notifier: Notifier, healthy: Callable[[], bool], period: float, clock: Clock
    ) -> None:
        self.notifier = notifier
        self.healthy = healthy
        self.period = period  # seconds; 0: nobody waits for a sign of life
        self.clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        if self.period <= 0:
            await stop.wait()
        while not stop.is_set():
            if self.healthy():
                self.notifier.send(WATCHDOG=1)
            else:
                log.error("no sign of life is given: the house stands still")
            await unless(stop, self.clock.sleep(self.period / 2))


def watchdog_period(environment: Mapping[str, str]) -> float:
    """Within how many seconds the service manager wants a sign of life; 0: it wants none."""
    meant = environment.get("WATCHDOG_PID")
    if meant is not None and meant != str(os.getpid()):
        return 0.0
    try:
        return int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return 0.0
