"""When a job that waits for others (`after`) is due: a pure rule.

The jobs waited for make up a round: their newest fired slots, all of one day. Once every
task of the round is final, the waiting job is due, at the newest of those slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True)
class Leg:
    """The newest fired slot of one job that is waited for."""

    slot: datetime
    over: datetime | None  # when its task became final; None while it is under way


@dataclass(frozen=True)
class Round:
    """A round that is over."""

    slot: datetime
    over: datetime


def finished_round(legs: Sequence[Leg | None], zone: tzinfo) -> Round | None:
    """The round that the legs make up, or None while one is missing, of an earlier day in
    `zone`, or under way."""
    slots = [leg.slot for leg in legs if leg is not None]
    ends = [leg.over for leg in legs if leg is not None and leg.over is not None]
    days = {slot.astimezone(zone).date() for slot in slots}
    if len(ends) < len(legs) or len(days) != 1:
        return None
    return Round(max(slots), max(ends))
