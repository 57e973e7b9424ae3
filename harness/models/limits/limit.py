"""The limits of harness.yaml one by one, and how far each is used up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.config.durations import format_duration
from harness.models.limits.amount import Amount, Kind
from harness.models.port import HOUSE

if TYPE_CHECKING:
    from harness.config.settings import LimitSettings

NEARLY = 0.9  # of a limit: from here on it deserves a word


def sum_of_money(number: float) -> str:
    """`1,234.50`; three digits where two decimals would be far off: `0.00125`."""
    is_near = abs(round(number, 2) - number) <= number / 200
    return f"{number:,.2f}" if is_near or number >= 1 else f"{number:.3g}"


@dataclass(frozen=True)
class Limit:
    """So much of one kind in a day, for one agent or for all together."""

    key: str  # of harness.yaml
    kind: Kind
    most: float
    agent: str | None = None  # None: all together

    @property
    def whose(self) -> str:
        return self.agent or "all agents together"

    def taken(self, amounts: Mapping[str, Amount]) -> float:
        """What of the agents' amounts counts for this limit."""
        if self.agent is not None:
            return amounts.get(self.agent, Amount()).of(self.kind)
        return sum(amount.of(self.kind) for amount in amounts.values())

    def worded(self, number: float) -> str:
        """A number of this limit's kind as a person reads it."""
        match self.kind:
            case Kind.TOKENS:
                return f"{number:,.0f} tokens"
            case Kind.GPU:
                return f"{format_duration(timedelta(seconds=max(number, 0.0)))} of GPU time"
            case Kind.MONEY:
                return f"{sum_of_money(number)} in money"


@dataclass(frozen=True)
class Standing:
    """How far a limit is used up today."""

    limit: Limit
    used: float
    held: float = 0.0  # reserved by calls under way

    @property
    def share(self) -> float:
        """Of the limit, what is used; 1 and more: nothing is left."""
        return self.used / self.limit.most if self.limit.most > 0 else 1.0

    @property
    def is_nearly_used(self) -> bool:
        return self.share >= NEARLY

    @property
    def text(self) -> str:
        """For a person: `97,300 of 100,000 tokens a day used (scout)`."""
        used, most = self.limit.worded(self.used), self.limit.worded(self.limit.most)
        number, _, unit = used.partition(" ")
        told = f"{number} of {most}" if most.endswith(unit) else f"{used} of {most}"
        return f"{told} a day used ({self.limit.whose})"


def limits_of(settings: LimitSettings, agent: str) -> list[Limit]:
    """Those that a call of the agent must keep: its own first, then those of all. The house itself
    is no agent: `agent` does not bind it, only its own line in `agents`."""
    own = settings.agents.get(agent, None if agent == HOUSE.agent else settings.agent)
    key = f"agents.{agent}" if agent in settings.agents else "agent"
    found = [(key, Kind.TOKENS, own, agent), *of_all(settings)]
    return [Limit(f"models.limits.{k}", kind, m, who) for k, kind, m, who in found if m is not None]


def of_all(settings: LimitSettings) -> list[tuple[str, Kind, float | None, None]]:
    gpu = None if settings.gpu is None else settings.gpu.total_seconds()
    return [
        ("tokens", Kind.TOKENS, settings.tokens, None),
        ("gpu", Kind.GPU, gpu, None),
        ("money", Kind.MONEY, settings.money, None),
    ]


def standings(
    settings: LimitSettings,
    spent: Mapping[str, Amount],
    held: Mapping[str, Amount] | None = None,
    agents: Iterable[str] = (),
) -> list[Standing]:
    """How far every limit is used up by what each agent has `spent` today and what calls under
    way have `held`: those of all agents together, then of each agent that is known."""
    held = held or {}
    names = sorted({*spent, *held, *agents, *settings.agents})
    found = {limit.key: limit for limit in limits_of(settings, "") if limit.agent is None}
    found |= {
        f"{limit.key} {name}": limit
        for name in names
        for limit in limits_of(settings, name)
        if limit.agent is not None
    }
    return [Standing(limit, limit.taken(spent), limit.taken(held)) for limit in found.values()]
