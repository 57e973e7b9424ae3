"""The limits of a day as the simulation reads them, apart from the code that keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from harness.config.durations import parse_duration
from harness.models.limits.amount import Amount


def against(bounds: Sequence[dict[str, Any]], spent: Any) -> Iterator[tuple[str, float, float]]:
    """Each limit by its loosest form: its name, what was used of it, and the most."""
    whole = sum(spent.values(), Amount())
    yield "tokens", whole.tokens, loosest(bound.get("tokens") for bound in bounds)
    yield "gpu", whole.gpu, loosest(seconds(bound.get("gpu")) for bound in bounds)
    for agent, amount in spent.items():
        own = [bound.get("agents", {}).get(agent, bound.get("agent")) for bound in bounds]
        if agent != "harness":
            yield agent, amount.tokens, loosest(own)


def loosest(bounds: Any) -> float:
    return max((inf if bound is None else bound for bound in bounds), default=inf)


def seconds(text: str | None) -> float | None:
    return None if text is None else parse_duration(text).total_seconds()
