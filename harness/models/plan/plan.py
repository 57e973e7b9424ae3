"""The plan: for each model what it needs, and what fits together on which memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from harness.config.yaml_text import load_yaml
from harness.errors import UsageError
from harness.models.glance import Server, show
from harness.models.plan.demand import Demand, pays_off, wait
from harness.models.plan.footprint import Footprint, bytes_read, footprint
from harness.models.plan.packing import fits, slots_within, together
from harness.models.plan.shape import Shape, shape_of_facts, shape_of_show


@dataclass(frozen=True)
class Wanted:
    """A model as somebody wants to have it loaded."""

    name: str
    context: int  # tokens for each slot
    slots: int
    stated: Shape | None = None  # by a person, instead of what is known of it
    flash: bool | None = None  # flash attention; None: as Ollama does by itself for the family


@dataclass(frozen=True)
class Need:
    """What a model takes, and what says so."""

    wanted: Wanted
    shape: Shape
    source: str  # the server's url, "stated", or "known": our own list
    footprint: Footprint
    loaded: int | None = None  # bytes that a server has in its GPU for it now, in the same context

    @property
    def total(self) -> int:
        return self.footprint.total

    @property
    def error(self) -> float | None:
        """How far the plan is off what is really loaded, as a share of it."""
        return self.total / self.loaded - 1 if self.loaded else None


@dataclass(frozen=True)
class Fit:
    """What a memory carries of the needs."""

    memory: int
    together: tuple[tuple[str, ...], ...]  # the largest sets that are loaded at a time
    alone: Mapping[str, bool]  # whether a model fits by itself
    slots: Mapping[str, int]  # that a model could have when it is there alone
    tokens_a_second: Mapping[str, float]  # at most, of one slot; empty without a bandwidth


@dataclass(frozen=True)
class Advice:
    """What the demand makes of a number of slots."""

    demand: Demand
    slots: int
    wait: float  # seconds on average, infinite when they cannot keep up
    wait_with_another: float
    pays_off: bool


def need_of(wanted: Wanted, servers: Sequence[Server], kv_bytes: float) -> Need:
    """What a model takes: as stated, else as a server tells, else as our list knows.
    Raises UsageError for one of which nobody knows enough."""
    shape, source = shape_of(wanted, servers)
    if wanted.flash is not None:
        shape = replace(shape, flash=wanted.flash)
    print_ = footprint(shape, wanted.context, wanted.slots, kv_bytes)
    return Need(wanted, shape, source, print_, loaded_by(wanted, servers))


def shape_of(wanted: Wanted, servers: Sequence[Server]) -> tuple[Shape, str]:
    if wanted.stated is not None:
        return wanted.stated, "stated"
    for server in servers:
        if server.has(wanted.name) and (shown := show(server.url, wanted.name)) is not None:
            size = server.size_of(wanted.name)
            return shape_of_show(wanted.name, shown, size), server.url
    facts = known_shapes().get(wanted.name.removesuffix(":latest"))
    if facts is None:
        raise UsageError(
            f"nobody knows the shape of {wanted.name}: no server of this home has it",
            hint=f'pull it there, or state it: --model "{wanted.name} parameters=8.2B'
            " precision=Q4_K_M layers=36 heads=32 kv_heads=8 head_dim=128 embedding=4096"
            ' vocabulary=151936"',
        )
    return shape_of_facts(wanted.name, facts), "known"


def loaded_by(wanted: Wanted, servers: Sequence[Server]) -> int | None:
    """What a server holds of it in its GPU. With another context it would say nothing."""
    for server in servers:
        held = server.holding(wanted.name)
        if held is not None and held.context in (0, wanted.context) and held.in_gpu == held.size:
            return held.in_gpu or None
    return None


@cache
def known_shapes() -> dict[str, dict[str, Any]]:
    text = (files("harness.models.plan") / "known.yaml").read_text(encoding="utf-8")
    _, data = load_yaml(text)
    return {str(name): dict(facts) for name, facts in dict(data).items()}


def fit_of(
    needs: Sequence[Need], memory: int, most: int, kv_bytes: float, bandwidth: float | None = None
) -> Fit:
    """What a memory of that many bytes carries; `bandwidth` in bytes a second."""
    totals = {need.wanted.name: need.total for need in needs}
    speeds = {
        need.wanted.name: bandwidth / bytes_read(need.shape, need.wanted.context, kv_bytes)
        for need in needs
        if bandwidth
    }
    return Fit(
        memory,
        tuple(together(totals, memory, most)),
        {name: fits([total], memory) for name, total in totals.items()},
        {
            need.wanted.name: slots_within(
                need.shape, need.wanted.context, memory, kv_bytes=kv_bytes
            )
            for need in needs
        },
        speeds,
    )


def advice_on(demand: Demand, slots: int) -> Advice:
    """Whether a second host as large as the first is worth it."""
    another = Demand(demand.calls, demand.seconds)  # both models stay loaded: nothing is swapped
    return Advice(
        demand, slots, wait(demand, slots), wait(another, 2 * slots), pays_off(demand, slots)
    )
