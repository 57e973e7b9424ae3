"""What the pool sees when it chooses: lines of calls, hosts with what they hold, and its verdict.

Plain values: `choose` (choice.py) is a pure function of them. Times are monotonic seconds of the
pool's clock, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from harness.config.priority import Priority


class Spec(NamedTuple):
    """A model as it is loaded: another context is another load of the same weights.

    A tuple, since specs are keys, and a look at the pool asks for hundreds of them.
    """

    model: str
    num_ctx: int


@dataclass(frozen=True)
class Line:
    """The calls that wait for one model, as the next of them sees it."""

    spec: Spec
    hosts: frozenset[str]  # names of those that may serve it
    waiting: int  # how many, at least 1
    priority: Priority  # of the next
    since: float  # when the one that has waited longest came
    came: float  # when the next came
    limit: int | None = None  # calls of this model at a time, where that is less than the host's


@dataclass(frozen=True)
class Running:
    """A call that holds a slot."""

    id: int
    priority: Priority
    began: float
    may_yield: bool = True  # False: it was sent back once already, or is old
    leaving: bool = False  # it was sent back, and gives up its slot in a moment


@dataclass(frozen=True)
class Resident:
    """A model in the memory of a host."""

    spec: Spec
    size: int | None = None  # in the GPU's memory; None: not known yet
    running: tuple[Running, ...] = ()
    served: int = 0  # calls begun in a row while another line waited for this host (`contended`)
    used: float = 0.0  # when its last call ended, or it was loaded
    load: float | None = None  # seconds that its load took; None: not known
    draining: bool = False  # the last word on it was Drain: a call begun on it ends that
    due: float | None = None  # when the schedule will want it next, as far as that is known
    awaits: float | None = None  # when the last call ended whose task will ask it again


@dataclass(frozen=True)
class HostView:
    """One server as it stands."""

    name: str
    slots: int  # calls of one model at a time
    models: int  # models in memory at a time
    memory: int | None = None  # for models; None: not known, the server decides what fits
    residents: tuple[Resident, ...] = ()
    loading: Spec | None = None  # loads are serial: while one goes on, no other begins
    needs: Mapping[Spec, int] = field(default_factory=dict)  # what a model not loaded would take
    over: float | None = None  # when the load is done, by what it took last time
    ending: bool = False  # the load is broken off, and gone in a moment

    @property
    def busy(self) -> int:
        """How many calls run there."""
        return sum(len(resident.running) for resident in self.residents)


@dataclass(frozen=True)
class Rules:
    """The settings of the pool (docs/pool.md)."""

    patience: float = 600.0  # seconds after which a call goes before the loaded models' batches
    batch: int = 32  # calls of a loaded model in a row while another line waits for the host
    preempt: bool = True  # whether P0 may send a less urgent call back to its line


class Why(StrEnum):
    """The reason of a verdict, for records and for people."""

    LOADED = "its model is loaded"
    URGENT = "it is urgent"
    AGED = "it has waited its patience out"
    BATCH_OVER = "the batch before it is over"
    ROOM = "there is room for its model"
    IDLE = "the host has nothing else to do"
    PREFETCH = "its job is due soon"


@dataclass(frozen=True)
class Run:
    """The next of the line gets a slot of a model that is loaded."""

    line: Line
    host: str
    why: Why


@dataclass(frozen=True)
class Load:
    """The line's model is loaded, after those in `evict`, all idle, are unloaded."""

    line: Line
    host: str
    why: Why
    evict: tuple[Spec, ...] = ()
    tight: bool = False  # it fits into no memory whole: the server keeps a part on the CPU


@dataclass(frozen=True)
class Drain:
    """No new call begins on the models in `evict`; once they are idle the line's is loaded."""

    line: Line
    host: str
    why: Why
    evict: tuple[Spec, ...]


@dataclass(frozen=True)
class SendBack:
    """Running calls (their ids) give up their slots for a P0: they begin anew later."""

    line: Line
    host: str
    calls: tuple[int, ...]
    why: Why = Why.URGENT


@dataclass(frozen=True)
class BreakOff:
    """The load under way ends, for a P0 that needs another model: it begins anew later."""

    line: Line
    host: str
    why: Why = Why.URGENT


Verdict = Run | Load | Drain | SendBack | BreakOff
