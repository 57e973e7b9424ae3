"""The bus as a command writes to it, with the daemon or without."""

from __future__ import annotations

from harness.bus.sync import SyncBus
from harness.clock import SystemClock
from harness.config.home import Home
from harness.ids import Ids


def open_bus(home: Home) -> SyncBus:
    """To be used in a `with` block. Raises SchemaTooNew (78), HarnessError."""
    clock = SystemClock()
    return SyncBus(home, clock, Ids(clock))
