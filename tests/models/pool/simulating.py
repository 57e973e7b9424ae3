"""A world of lines and hosts in which only `choose` decides. It checks every promise on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf

from harness.config.priority import Priority
from harness.models.pool.choice import choose, contended, wake_at
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.places import SHARE
from harness.models.pool.view import (
    BreakOff,
    Drain,
    HostView,
    Line,
    Load,
    Resident,
    Rules,
    Run,
    Running,
    SendBack,
    Spec,
    Verdict,
    Why,
)

Chooser = Callable[[Collection[Line], Collection[HostView], float, Rules], Verdict | None]


@dataclass(frozen=True)
class Job:
    """A call that will be asked for: when, of what, and for how long it holds its slot."""

    spec: Spec
    at: float = 0.0
    seconds: float = 1.0
    priority: Priority = Priority.P1
    agent: str = "zoe"
    limit: int | None = None
    then: tuple[Job, ...] = ()  # asked for `at` seconds after this one ended


@dataclass
class World:
    """Time goes from event to event; calls and loads take as long as they are said to."""

    hosts: dict[str, HostView]
    rules: Rules = field(default_factory=Rules)
    load_seconds: Mapping[Spec, float] = field(default_factory=dict)
    chooser: Chooser = choose
    after: Callable[[World], None] = lambda world: None  # looks at it when all is settled
    now: float = 0.0
    loads: int = 0
    sent_back: int = 0
    broken_off: int = 0

    def __post_init__(self) -> None:
        self.lines = Lines()
        self.jobs: dict[int, Job] = {}
        self.calls: dict[int, Waiting] = {}
        self.waits: dict[int, float] = {}
        self.ahead: dict[int, int] = {}  # how many waited when a call came
        self.cleared: dict[Spec, str] = {}  # the host that is cleared for a P0's model
        self.under_way: dict[str, int] = {}  # which load goes on at a host
        self.holds: dict[int, int] = {}  # which try of a call holds a slot
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._ids = count()

    # what happens from outside

    def ask(self, job: Job) -> int:
        """Let a call wait, from now on."""
        id = next(self._ids)
        here = frozenset(self.hosts)
        call = Waiting(id, job.spec, here, job.agent, job.priority, self.now, job.limit)
        self.jobs[id], self.calls[id], self.ahead[id] = job, call, len(self.lines)
        self.lines.push(call)
        return id

    def plan(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.at(self.now + job.at, partial(self.ask, job))

    def at(self, time: float, what: Callable[[], object]) -> None:
        heappush(self._events, (time, next(self._ids), what))

    def run(self, until: float = inf) -> None:
        """Live until nothing more happens, or until then."""
        self.settle()
        while (time := self.next_time()) is not None and time <= until:
            self.now = max(self.now, time)
            while self._events and self._events[0][0] <= self.now:
                heappop(self._events)[2]()
            self.settle()

    def next_time(self) -> float | None:
        times = [time for time, *_ in self._events[:1]]
        wake = wake_at(self.lines.views(), self.views(), self.now, self.rules)
        times += [] if wake is None else [wake]
        return min(times, default=None)

    def views(self) -> list[HostView]:
        return list(self.hosts.values())

    # what the pool does with verdicts

    def settle(self) -> list[Verdict]:
        """Ask until there is nothing to do."""
        done: list[Verdict] = []
        while verdict := self.chooser(self.lines.views(), self.views(), self.now, self.rules):
            self.apply(verdict)
            done.append(verdict)
            assert len(done) < 300, f"no end of verdicts: {done[-3:]}"
        self.after(self)
        return done

    def apply(self, verdict: Verdict) -> None:
        self._watch(verdict)
        match verdict:
            case Run():
                self._begin(verdict)
            case Load():
                self._load(verdict)
            case Drain():
                for spec in verdict.evict:
                    self._change(verdict.host, spec, draining=True)
            case SendBack():
                self._send_back(verdict)
            case BreakOff():
                self._break_off(verdict)
        self._count()

    def _watch(self, verdict: Verdict) -> None:
        """Nobody but P0 begins on a host from which calls must go for a P0's model."""
        homeless = {
            line.spec
            for line in self.lines.views()
            if line.priority is Priority.P0 and self._is_homeless(line)
        }
        self.cleared = {spec: host for spec, host in self.cleared.items() if spec in homeless}
        line, urgent = verdict.line, verdict.line.priority is Priority.P0
        if urgent and line.spec in homeless and isinstance(verdict, Drain | SendBack):
            self.cleared[line.spec] = verdict.host
        if isinstance(verdict, Run) and not urgent:
            assert not self._is_drained_for_p0(verdict.host), "a call begins where P0 needs room"

    def _is_drained_for_p0(self, name: str) -> bool:
        """Where one is idle, its place is the P0's, and a load is all that is waited for."""
        residents = self.hosts[name].residents
        drains = any(each.draining and each.running for each in residents)
        idle = any(not each.running for each in residents)
        return drains and not idle and name in self.cleared.values()

    def _is_homeless(self, line: Line) -> bool:
        return not any(
            host.loading == line.spec or any(each.spec == line.spec for each in host.residents)
            for host in self.views()
        )

    def resident(self, host: str, spec: Spec) -> Resident:
        (found,) = [each for each in self.hosts[host].residents if each.spec == spec]
        return found

    def _begin(self, run: Run) -> None:
        host, resident = self.hosts[run.host], self.resident(run.host, run.line.spec)
        slots = host.slots if run.line.limit is None else min(host.slots, run.line.limit)
        assert len(resident.running) < slots, "more calls than slots"
        call = self.lines.take(run.line, run.why)
        self.waits[call.id] = self.waits.get(call.id, 0.0) + self.now - call.since
        running = Running(call.id, call.priority, self.now, may_yield=not call.sent_back)
        self._change(
            run.host,
            call.spec,
            running=(*resident.running, running),
            served=resident.served + 1,
            draining=False,
        )
        ending = self.holds[call.id] = next(self._ids)
        seconds = self.jobs[call.id].seconds
        self.at(self.now + seconds, lambda: self._end(run.host, call.id, ending))

    def _end(self, host: str, id: int, ending: int) -> None:
        if self.holds.get(id) != ending:
            return
        self._leave(host, id)
        self.plan(self.jobs[id].then)

    def cancel(self, id: int) -> None:
        """Nobody wants the call any more, whether it waits or runs."""
        if self.lines.cancel(id):
            return
        for host in self.views():
            if any(call.id == id for each in host.residents for call in each.running):
                self._leave(host.name, id)

    def _leave(self, host: str, id: int) -> None:
        del self.holds[id]
        resident = self.resident(host, self.calls[id].spec)
        running = tuple(each for each in resident.running if each.id != id)
        awaits = self.now if self.jobs[id].then else resident.awaits
        self._change(host, resident.spec, running=running, used=self.now, awaits=awaits)

    def _load(self, load: Load) -> None:
        host = self.hosts[load.host]
        assert host.loading is None, "two loads at a time"
        gone = [self.resident(load.host, spec) for spec in load.evict]
        assert not any(each.running for each in gone), "a model with running calls was evicted"
        stay = tuple(each for each in host.residents if each not in gone)
        seconds = self.load_seconds.get(load.line.spec, 0.0)
        until = self.now + seconds
        self.hosts[load.host] = replace(
            host, residents=stay, loading=load.line.spec, over=until, ending=False
        )
        self._fits(self.hosts[load.host], load)
        self.loads += 1
        self.under_way[load.host] = number = next(self._ids)
        self.at(until, lambda: self._loaded(load.host, seconds, number))

    def _fits(self, host: HostView, load: Load) -> None:
        assert len(host.residents) + 1 <= host.models, "more models than the host holds"
        if load.tight:
            assert not host.residents, "a model too large for the host was loaded beside others"
        elif host.memory is not None:
            taken = sum(host.needs.get(each.spec, 0) for each in host.residents)
            assert host.needs.get(load.line.spec, 0) <= SHARE * (host.memory - taken), "too full"

    def _loaded(self, name: str, seconds: float, number: int) -> None:
        host = self.hosts[name]
        if host.loading is None or self.under_way[name] != number:
            return
        new = Resident(host.loading, used=self.now, load=seconds)
        self.hosts[name] = replace(host, residents=(*host.residents, new), loading=None, over=None)

    def _break_off(self, verdict: BreakOff) -> None:
        host = self.hosts[verdict.host]
        assert self.rules.preempt
        assert verdict.line.priority is Priority.P0
        assert host.loading not in (None, verdict.line.spec)
        assert not host.ending
        waits = [line for line in self.lines.views() if line.spec == host.loading]
        for line in waits:
            assert line.priority is not Priority.P0, "a P0's load was broken off for another"
            assert self.now < line.since + self.rules.patience, "an aged line's load was"
        self.hosts[verdict.host] = replace(host, ending=True)
        self.broken_off += 1
        self.at(self.now, partial(self._gone, verdict.host))

    def _gone(self, name: str) -> None:
        self.hosts[name] = replace(self.hosts[name], loading=None, over=None, ending=False)

    def _send_back(self, verdict: SendBack) -> None:
        assert self.rules.preempt
        assert verdict.line.priority is Priority.P0
        for id in verdict.calls:
            (host, resident, call) = next(
                (host.name, each, call)
                for host in self.views()
                for each in host.residents
                for call in each.running
                if call.id == id
            )
            assert call.may_yield
            assert not call.leaving
            assert call.priority is not Priority.P0
            leaving = tuple(
                replace(each, leaving=True) if each.id == id else each for each in resident.running
            )
            self._change(host, resident.spec, running=leaving)
            self.sent_back += 1
            self.at(self.now, partial(self._back, host, id))

    def _back(self, host: str, id: int) -> None:
        if id not in self.holds:
            return
        self._leave(host, id)
        self.lines.push(replace(self.calls[id], sent_back=True, since=self.now))

    def _change(self, host: str, spec: Spec, **changes: object) -> None:
        residents = tuple(
            replace(each, **changes) if each.spec == spec else each  # type: ignore[arg-type]
            for each in self.hosts[host].residents
        )
        self.hosts[host] = replace(self.hosts[host], residents=residents)

    def _count(self) -> None:
        wanted = contended(self.lines.views(), self.views())
        for host in self.views():
            for each in host.residents:
                if host.name not in wanted and each.served:
                    self._change(host.name, each.spec, served=0)


def one_host(models: int = 2, slots: int = 2, name: str = "local", **more: object) -> World:
    return World({name: HostView(name, slots, models)}, **more)  # type: ignore[arg-type]


WHY = Why.IDLE  # of a chooser that has no reasons


def first_come(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> Verdict | None:
    """What a server does by itself: the oldest call goes first, and all others wait behind it."""
    if not lines:
        return None
    line, host = min(lines, key=lambda each: (each.since, each.spec)), next(iter(hosts))
    loaded = {each.spec: each for each in host.residents}
    if line.spec in loaded:
        free = len(loaded[line.spec].running) < host.slots
        return Run(line, host.name, WHY) if free else None
    if host.loading:
        return None
    if len(loaded) < host.models:
        return Load(line, host.name, WHY)
    idle = [each for each in host.residents if not each.running]
    if not idle:
        return None
    return Load(line, host.name, WHY, (min(idle, key=lambda each: each.used).spec,))
