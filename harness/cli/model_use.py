"""What models were used for today, from the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from harness.cli.output import counted
from harness.cli.pool_board import read_board
from harness.cli.remembering import now_in
from harness.config.home import Home
from harness.errors import HarnessError
from harness.models.ledger.figures import Figures, ModelFigures, Spread
from harness.models.ledger.reader import LedgerReader
from harness.models.ledger.sums import bounds
from harness.models.limits.limit import Standing, standings

if TYPE_CHECKING:
    from harness.config.settings import LimitSettings


@dataclass(frozen=True)
class Use:
    """Today in the crew's zone."""

    day: str
    figures: Figures
    loads: int
    swaps: int  # loads for which another model had to leave
    limits: Sequence[Standing] = ()

    @property
    def over(self) -> list[str]:
        """Keys of the limits that are used up."""
        return [each.limit.key for each in self.limits if each.share >= 1.0]

    @property
    def shape(self) -> dict[str, Any]:
        figures = self.figures
        return {
            "day": self.day,
            "calls": figures.calls,
            "outcomes": dict(figures.outcomes),
            "loads": self.loads,
            "swaps": self.swaps,
            "tokens": figures.tokens,
            "agents": {
                name: asdict(each) | {"tokens": each.tokens}
                for name, each in figures.agents.items()
            },
            "models": [model_shape(each) for each in figures.models],
            "limits": [limit_shape(each) for each in self.limits],
        }


def read_use(home: Home, limits: LimitSettings | None = None) -> Use:
    """Raises HarnessError."""
    today = now_in(home)
    zone = today.tzinfo or UTC
    begin, end = bounds(today.date(), zone)
    with LedgerReader(home.ledger) as reader:
        figures, loads = reader.figures(begin, end), reader.loads(begin, end)
        spent = reader.spent(today.date(), zone)
    found = standings(limits, spent) if limits else []
    swaps = sum(bool(load.evicted) for load in loads)
    return Use(today.date().isoformat(), figures, len(loads), swaps, found)


def model_shape(figures: ModelFigures) -> dict[str, Any]:
    return {
        "model": figures.model,
        "calls": figures.calls,
        "queue_s": spread_shape(figures.queue),
        "load_s": spread_shape(figures.load),
        "first_s": spread_shape(figures.first),
        "total_s": spread_shape(figures.total),
        "reused": figures.reused,
    }


def spread_shape(spread: Spread | None) -> dict[str, float] | None:
    return asdict(spread) if spread else None


def limit_shape(standing: Standing) -> dict[str, Any]:
    limit = standing.limit
    return {
        "key": limit.key,
        "agent": limit.agent,
        "most": limit.most,
        "used": standing.used,
        "over": standing.share >= 1.0,
    }


def seconds(spread: Spread | None) -> str | None:
    """`0.1 / 2.0 / 3.5`."""
    if spread is None:
        return None
    return " / ".join(f"{each:.1f}" for each in (spread.p50, spread.p95, spread.p99))


def use_lines(use: Use) -> Iterator[tuple[str, str]]:
    """The facts of the day, by name."""
    outcomes = use.figures.outcomes
    yield "today", ", ".join(f"{number} {each}" for each, number in outcomes.items()) or "no calls"
    if use.loads:
        swaps = f", {use.swaps} of them in another's place" if use.swaps else ""
        yield "loads", f"{use.loads}{swaps}"
    if use.limits:
        yield "limits", "; ".join(standing.text for standing in use.limits)


@dataclass(frozen=True)
class ModelsNow:
    """What `harness status` says of models."""

    use: Use | None  # None: the ledger cannot be read
    loaded: Sequence[str] | None = None  # as the daemon knows; None: it does not run
    trouble: str | None = None

    @property
    def shape(self) -> dict[str, Any]:
        use = self.use
        return {
            "loaded": self.loaded,
            "calls": use and use.figures.calls,
            "tokens": use and use.figures.tokens,
            "loads": use and use.loads,
            "swaps": use and use.swaps,
            "over": use.over if use else [],
            "trouble": self.trouble,
        }

    @property
    def line(self) -> str | None:
        """One line; None where nothing is loaded and no model was asked today."""
        if self.use is None:
            return f"the ledger cannot be read: {self.trouble}"
        figures, told = self.use.figures, []
        if self.loaded:
            told.append(f"{', '.join(self.loaded)} loaded")
        if figures.calls:
            swaps = counted(self.use.swaps, "swap")
            calls = counted(figures.calls, "call")
            told.append(f"{calls}, {figures.tokens:,} tokens and {swaps} today")
        told += [f"{key} is used up" for key in self.use.over]
        return f"{'; '.join(told)}: harness models ps" if told else None


def models_now(home: Home, limits: LimitSettings | None) -> ModelsNow:
    """Raises nothing for what is wrong with the ledger: a status is told all the same."""
    board = read_board(home)
    loaded = None
    if board is not None:
        held = [resident["model"] for host in board["hosts"] for resident in host["residents"]]
        loaded = sorted(set(held))
    try:
        return ModelsNow(read_use(home, limits), loaded)
    except HarnessError as error:
        return ModelsNow(None, loaded, str(error))
