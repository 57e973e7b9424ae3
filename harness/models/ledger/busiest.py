"""The busiest hour that the ledger knows: what hosts are planned for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from harness.models.ledger.call import Call, ModelLoad


@dataclass
class Hour:
    """What local models did in one hour, counted from the full hour in UTC. Times in seconds."""

    at: datetime
    answers: list[float] = field(default_factory=list)  # how long each took, without waits
    loads: list[float] = field(default_factory=list)

    @property
    def busy(self) -> float:
        return sum(self.answers) + sum(self.loads)


def busiest_of(calls: Iterable[Call], loads: Iterable[ModelLoad]) -> Hour | None:
    """The hour in which answers and loads took longest together; None when there were none."""
    hours: dict[datetime, Hour] = {}

    def hour_of(moment: datetime) -> Hour:
        at = moment.replace(minute=0, second=0, microsecond=0)
        return hours.setdefault(at, Hour(at))

    for call in calls:
        if call.gpu_s:
            hour_of(call.at).answers.append(call.gpu_s)
    for load in loads:
        hour_of(load.at).loads.append(load.seconds)
    return max(hours.values(), key=lambda hour: (hour.busy, hour.at), default=None)
