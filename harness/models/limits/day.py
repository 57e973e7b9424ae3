"""One day of the crew, and what was spent and is held on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from harness.cronline import instant_of
from harness.models.limits.amount import Amount
from harness.models.limits.pace import Pace


@dataclass
class Day:
    """Sums by agent. What is held belongs to the day on which it was reserved."""

    spent: dict[str, Amount] = field(default_factory=dict)
    held: dict[str, Amount] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)  # limits whose end was told
    # by model; begun anew each day, so that nothing seen once can stop a model for good
    paces: dict[str, Pace] = field(default_factory=dict)
    read_at: float | None = None  # monotonic: when the account is to be read; None: it was

    def begin(self, account: Mapping[str, Amount]) -> None:
        """Take in what the account says; what was counted meanwhile may stand there already, so
        of the two the larger holds."""
        for agent, amount in account.items():
            self.spent[agent] = amount.at_least(self.spent.get(agent, Amount()))
        self.read_at = None

    @property
    def taken(self) -> Mapping[str, Amount]:
        """What nobody else can have: spent and held."""
        names = self.spent.keys() | self.held.keys()
        return {
            name: self.spent.get(name, Amount()) + self.held.get(name, Amount()) for name in names
        }

    def pace(self, model: str) -> Pace:
        """What the model showed on this day."""
        return self.paces.setdefault(model, Pace())

    def hold(self, agent: str, amount: Amount) -> None:
        self.held[agent] = self.held.get(agent, Amount()) + amount

    def release(self, agent: str, amount: Amount) -> None:
        self.held[agent] = self.held.get(agent, Amount()) - amount

    def spend(self, agent: str, amount: Amount) -> None:
        self.spent[agent] = self.spent.get(agent, Amount()) + amount


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The date on the wall of the zone."""
    return moment.astimezone(zone).date()


def end_of(day: date, zone: tzinfo) -> datetime:
    """When the next day of the zone begins, in UTC: after 23 or 25 hours where clocks change, and
    where midnight itself is left out, at the first time that there is."""
    midnight = datetime.combine(day + timedelta(days=1), time.min)
    return instant_of(midnight, zone).astimezone(UTC)
