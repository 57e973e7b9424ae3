"""Channels: the ways out of the house, by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Protocol

from harness.bus.port import Task
from harness.clock import Clock
from harness.config.home import Home
from harness.delivery.archive import Archive
from harness.delivery.log import DeliveryLog
from harness.delivery.redacted import Redacted
from harness.errors import NotFound
from harness.text.secrets import Redactor


class ChannelMissing(NotFound):
    """The home has no such channel; trying again would not help."""


class Channel(Protocol):
    """One way out. Handing the same task over twice must do no more than once."""

    @property
    def name(self) -> str:
        """The word by which `deliver` in cron.yaml means it."""
        ...

    async def deliver(self, task: Task) -> str:
        """Hand a final over; returns a receipt, such as the path. May raise anything.

        After an error the courier tries again, except after ChannelMissing.
        """
        ...


class Missing:
    """Stands where a channel was asked for that this home does not have."""

    def __init__(self, name: str, known: Mapping[str, Channel]) -> None:
        self.name = name
        self.known = known

    async def deliver(self, task: Task) -> str:
        raise ChannelMissing(
            f"channel `{self.name}` is not set up",
            hint=f"take one of: {', '.join(sorted(self.known))}",
        )


def build_channels(
    home: Home, zone: tzinfo, clock: Clock, redactor: Redactor | None = None
) -> dict[str, Channel]:
    """Every channel that a home has; `zone` is that of the dates in the archive. What the
    redactor knows as a secret goes through none of them."""
    channels: list[Channel] = [Archive(home, zone), DeliveryLog(home, clock)]
    known = redactor or Redactor()
    return {channel.name: Redacted(channel, known) for channel in channels}
