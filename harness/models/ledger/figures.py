"""What the rows of a time come to: percentiles, sums by agent, by outcome. Exact, from the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.models.ledger.call import Call, CallOutcome

ASKED = {CallOutcome.DONE, CallOutcome.FAILED, CallOutcome.CANCELLED, CallOutcome.SENT_BACK}


@dataclass(frozen=True)
class Spread:
    """How long something took: half, 95 and 99 of 100 calls took at most so many seconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class ModelFigures:
    """The calls of one model."""

    model: str
    calls: int
    queue: Spread | None = None  # of calls that were answered; None: there was none
    load: Spread | None = None
    first: Spread | None = None  # of calls whose first word was heard
    total: Spread | None = None
    reused: float | None = None  # mean share of a prompt that is the one before


@dataclass(frozen=True)
class AgentFigures:
    """What an agent used."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    gpu_s: float = 0.0
    money: float = 0.0
    calls: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Figures:
    """All of a time."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    models: Sequence[ModelFigures] = ()
    agents: Mapping[str, AgentFigures] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    @property
    def tokens(self) -> int:
        return sum(each.tokens for each in self.agents.values())


def figures_of(calls: Iterable[Call]) -> Figures:
    rows = list(calls)
    by_model = grouped(rows, lambda call: call.model)
    by_agent = grouped(rows, lambda call: call.agent)
    return Figures(
        dict(Counter(str(call.outcome) for call in rows)),
        [figures_of_model(model, by_model[model]) for model in sorted(by_model)],
        {agent: used(by_agent[agent]) for agent in sorted(by_agent)},
    )


def figures_of_model(model: str, calls: Sequence[Call]) -> ModelFigures:
    done = [call for call in calls if call.outcome is CallOutcome.DONE]
    reused = [call.reused for call in done if call.reused is not None]
    return ModelFigures(
        model,
        sum(call.outcome in ASKED for call in calls),
        spread(call.queue_s for call in done),
        spread(call.load_s for call in done),
        spread(call.first_s for call in done if call.first_s is not None),
        spread(call.total_s for call in done if call.total_s is not None),
        sum(reused) / len(reused) if reused else None,
    )


def used(calls: Sequence[Call]) -> AgentFigures:
    return AgentFigures(
        sum(call.prompt_tokens for call in calls),
        sum(call.completion_tokens for call in calls),
        sum(call.gpu_s for call in calls),
        sum(call.money for call in calls),
        sum(call.outcome in ASKED for call in calls),
    )


def spread(seconds: Iterable[float]) -> Spread | None:
    ordered = sorted(seconds)
    if not ordered:
        return None
    return Spread(*(nearest_rank(ordered, percent) for percent in (50, 95, 99)))


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of 100 do not pass: one that was measured."""
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def grouped(calls: Iterable[Call], key: Callable[[Call], str]) -> dict[str, list[Call]]:
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return groups
