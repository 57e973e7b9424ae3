"""The pool at one moment as plain values, for people and for other processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.models.pool.held import Held
from harness.models.pool.seat import Slot
from harness.models.pool.server import Server
from harness.models.pool.view import Line


@dataclass
class Counters:
    """What happened since the pool was made."""

    loads: int = 0
    prefetched: int = 0  # of the loads, before anybody asked
    failed_loads: int = 0
    evictions: int = 0
    broken_off: int = 0  # loads that were ended for an urgent call's
    sent_back: int = 0
    calls: int = 0


@dataclass(frozen=True)
class CallState:
    """A call that holds a slot."""

    agent: str
    task: str | None
    purpose: str
    priority: str
    seconds: float  # since it began
    why: str


@dataclass(frozen=True)
class ResidentState:
    """A model in memory."""

    model: str
    num_ctx: int
    size: int | None
    idle: float  # seconds since its last use; 0 while calls run
    running: tuple[CallState, ...] = ()


@dataclass(frozen=True)
class HostState:
    """A host and what it holds, as far as the pool knows."""

    name: str
    url: str
    slots: int
    memory: int | None
    loading: str | None
    trouble: str | None
    looked: float | None  # seconds ago; None: never, or not since it was found away
    residents: tuple[ResidentState, ...] = ()


@dataclass(frozen=True)
class LineState:
    """Calls that wait for one model."""

    model: str
    hosts: tuple[str, ...]
    waiting: int
    priority: str
    oldest: float  # seconds that the oldest of them has waited
    why: str


@dataclass(frozen=True)
class PoolState:
    """Everything."""

    hosts: tuple[HostState, ...] = ()
    lines: tuple[LineState, ...] = ()
    counters: Counters = field(default_factory=Counters)


def host_state(server: Server, now: float) -> HostState:
    held = sorted(server.held.values(), key=lambda each: each.model)
    return HostState(
        name=server.name,
        url=server.host.base_url,
        slots=server.host.slots,
        memory=server.memory,
        loading=server.loading.model if server.loading else None,
        trouble=str(server.away[1]) if server.away and now < server.away[0] else None,
        looked=None if server.looked == float("-inf") else now - server.looked,
        residents=tuple(resident_state(each, now) for each in held),
    )


def resident_state(held: Held, now: float) -> ResidentState:
    running = tuple(call_state(slot, now) for slot in held.running.values())
    idle = 0.0 if running else now - held.used
    return ResidentState(held.model, held.num_ctx, held.size, idle, running)


def call_state(slot: Slot, now: float) -> CallState:
    asker = slot.wish.asker
    return CallState(
        asker.agent, asker.task, asker.purpose, asker.priority, now - slot.began, slot.why
    )


def line_state(line: Line, servers: Sequence[Server], now: float) -> LineState:
    return LineState(
        line.spec.model,
        tuple(sorted(line.hosts)),
        line.waiting,
        line.priority,
        now - line.since,
        why_waiting(line, servers),
    )


def why_waiting(line: Line, servers: Iterable[Server]) -> str:
    """Why the next of a line has no slot yet."""
    model = line.spec.model
    of_line = [server for server in servers if server.name in line.hosts]
    if any(server.loading and server.loading.model == model for server in of_line):
        return "its model is being loaded"
    if any(server.looking for server in of_line):
        return "its host is being asked what it holds"
    if any(model in server.held for server in of_line):
        return "all slots of its model are taken"
    if any(server.loading for server in of_line):
        return "another model is being loaded"
    return "other models have the memory"
