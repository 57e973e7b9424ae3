"""Which call goes next, and which model is loaded for it. Pure; docs/pool.md has the rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from harness.config.priority import Priority
from harness.models.pool.places import (
    Place,
    by_cost,
    cheapest,
    place_on,
    sent_back,
    stuck,
    suitable,
    yields,
)
from harness.models.pool.scene import Scene, lingers_until
from harness.models.pool.view import (
    Drain,
    HostView,
    Line,
    Load,
    Resident,
    Rules,
    Run,
    SendBack,
    Spec,
    Verdict,
    Why,
)

COPY = 4  # calls for each slot: a line that is longer pays for a load on another host


def choose(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> Verdict | None:
    """The next thing to do, or None when there is nothing to do now.

    In this order: a P0 gets a slot, or somebody's slot, or a place for its model; a line whose
    model is nowhere loaded gets a place, if the rules of docs/pool.md let it have one; a line
    whose model is loaded gets a slot there; a long line gets a second copy. Equals go by name.

    Ask again after it is done, until None. What the pool does with a verdict:
    Run: takes the next call of the line (Lines.take), begins it; the resident is no more draining.
    Drain: marks the residents in `evict` as draining. SendBack: marks the calls as leaving.
    Load: unloads `evict`, sets `loading`; when it is loaded, a Resident with `served` 0.
    """
    return _Choice(Scene(lines, hosts, now, rules)).verdict()


def wake_at(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> float | None:
    """When time alone changes what `choose` says; None: never before something happens."""
    if not lines:
        return None
    times = [line.since + rules.patience for line in lines]
    times += [line.came + rules.patience for line in lines]
    times += [
        lingers_until(resident)
        for host in hosts
        for resident in host.residents
        if not resident.running
    ]
    return min((time for time in times if time > now), default=None)


def contended(lines: Collection[Line], hosts: Collection[HostView]) -> frozenset[str]:
    """The hosts that a line waits for whose model is nowhere loaded where it may run.

    The pool counts `Resident.served` while its host is in here, and sets it to 0 when it is not.
    """
    scene = Scene(lines, hosts, 0.0, Rules())
    return frozenset(
        host.name for line in lines if scene.homeless(line) for host in scene.hosts_of(line)
    )


def prefetch(
    spec: Spec,
    names: frozenset[str],
    due: float,
    lines: Collection[Line],
    hosts: Collection[HostView],
    now: float,
    rules: Rules,
) -> Load | None:
    """How to load a model before its calls come, while that keeps nobody waiting.

    Only on a host that does nothing and that nobody waits for, and never for a model that is due
    sooner than this one. `line` of the answer is an empty one.
    """
    line = Line(spec, names, 0, Priority.P2, since=now, came=now)
    scene = Scene(lines, hosts, now, rules)
    if not scene.homeless(line):
        return None
    places = list(_quiet_places(scene, line, due))
    if not places:
        return None
    best = min(places, key=lambda place: (len(place.evict), place.host.name))
    return Load(line, best.host.name, Why.PREFETCH, best.specs, best.tight)


def _quiet_places(scene: Scene, line: Line, due: float) -> Iterator[Place]:
    wanted = contended(scene.lines, scene.hosts)
    for host in suitable(scene.hosts_of(line), line.spec):
        if host.loading or host.name in wanted or any(each.running for each in host.residents):
            continue
        later = [
            each
            for each in host.residents
            if not scene.work(host, each) and (each.due is None or each.due > due)
        ]
        place = place_on(host, line.spec, sorted(later, key=by_cost(lambda _: 0)))
        if place:
            yield place


class _Choice:
    """One look at the scene. Claims of lines that were looked at before bind those after them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._claimed: set[str] = set()  # hosts on which nobody else may load now
        self._shut: set[str] = set()  # hosts that a P0 needs drained: only P0 begins there
        self._kept: set[tuple[str, Spec]] = set()  # residents on which no call begins
        self._kept_from_all: set[tuple[str, Spec]] = set()  # not even a P0's
        self._promised: list[tuple[str, Spec]] = []  # what will be loaded, and where

    def verdict(self) -> Verdict | None:
        return next(self._verdicts(), None)

    def _verdicts(self) -> Iterator[Verdict]:
        scene = self.scene
        urgent = sorted(filter(scene.urgent, scene.lines), key=lambda line: line.came)
        others = sorted((line for line in scene.lines if not scene.urgent(line)), key=scene.rank)
        for step, lines in (
            (self._hurry, urgent),
            (self._settle, [line for line in others if scene.homeless(line)]),
            (self._run, others),
            (self._copy, urgent + others),
        ):
            for line in lines:
                verdict = step(line)
                if verdict:
                    yield verdict

    def _hurry(self, line: Line) -> Verdict | None:
        """A P0 gets a slot, else the slot of a less urgent call, else a place."""
        if self.scene.homeless(line):
            return self._settle(line)
        return self._run(line) or self._take_a_slot(line)

    def _run(self, line: Line) -> Run | None:
        """Begin a call where the model is loaded, on the host with most room."""
        scene, open_to = self.scene, self._open_to(line)
        copies = [each for each in scene.copies(line) if open_to(*each)]
        free = [each for each in copies if scene.free(line, *each) > 0]
        if free:
            host, _ = max(free, key=lambda each: (scene.free(line, *each), -_load(each[0])))
            return Run(line, host.name, self._why_run(line))
        if copies and (scene.urgent(line) or scene.aged(line)):
            host, resident = min(copies, key=lambda each: len(each[1].running))
            self._kept.add((host.name, resident.spec))
        return None

    def _open_to(self, line: Line) -> Callable[[HostView, Resident], bool]:
        def urgent_only(host: HostView, resident: Resident) -> bool:
            return (host.name, resident.spec) not in self._kept_from_all

        def anybody(host: HostView, resident: Resident) -> bool:
            return host.name not in self._shut and (host.name, resident.spec) not in self._kept

        return urgent_only if self.scene.urgent(line) else anybody

    def _why_run(self, line: Line) -> Why:
        if self.scene.urgent(line):
            return Why.URGENT
        return Why.AGED if self.scene.aged(line) else Why.LOADED

    def _take_a_slot(self, line: Line) -> SendBack | None:
        """Send the cheapest call of the model back, unless one is on its way already."""
        running = [(host, call) for host, copy in self.scene.copies(line) for call in copy.running]
        ready = [(host, call) for host, call in running if yields(call)]
        if not self.scene.rules.preempt or not ready:
            return None
        if any(call.leaving for _, call in running):
            return None
        host, call = min(ready, key=lambda each: cheapest(each[1]))
        return SendBack(line, host.name, (call.id,))

    def _settle(self, line: Line) -> Verdict | None:
        """Load the line's model, or clear a place for it, if the rules let it have one."""
        if any(spec == line.spec and host in line.hosts for host, spec in self._promised):
            return None
        hosts = self._hosts_for(line)
        places = [place for host in hosts if (place := self._place(line, host))]
        if places:
            return self._claim(line, min(places, key=lambda each: self._delay(line, each)))
        if self.scene.urgent(line) or self.scene.aged(line):
            self._claimed.update(host.name for host in hosts)
        return None

    def _hosts_for(self, line: Line) -> list[HostView]:
        hosts = suitable(self.scene.hosts_of(line), line.spec)
        return [host for host in hosts if host.name not in self._claimed]

    def _place(self, line: Line, host: HostView) -> Place | None:
        scene = self.scene
        may_go = [each for each in host.residents if scene.may_have(line, host, each)]
        cost = by_cost(self._worth(host))
        if scene.urgent(line):
            by_harm = sorted(may_go, key=lambda each: (stuck(each.running), cost(each)))
            return place_on(host, line.spec, by_harm)
        place = place_on(host, line.spec, sorted(may_go, key=cost))
        lingering = place and any(scene.lingers(each) for each in place.evict)
        return None if lingering and not scene.aged(line) else place

    def _worth(self, host: HostView) -> Callable[[Resident], int]:
        scene = self.scene
        return lambda each: 2 if scene.work(host, each) else int(scene.lingers(each))

    def _delay(self, line: Line, place: Place) -> tuple[object, ...]:
        """How long the place lets wait, then what it costs; smaller is better."""
        fresh = sum(not each.draining for each in place.evict if each.running)
        work = sum(bool(self.scene.work(place.host, each)) for each in place.evict)
        cost = (fresh, work, len(place.evict), _load(place.host), place.host.name)
        loading = place.host.loading is not None
        if self.scene.urgent(line) and self.scene.rules.preempt:
            return (stuck(place.running), loading, len(sent_back(place)), *cost)
        return (2 * bool(place.running) or int(loading), *cost)

    def _claim(self, line: Line, place: Place) -> Verdict | None:
        """Load now, or see to it that the place is cleared and nobody else takes it."""
        host, why = place.host, self._why_load(line, place)
        if not place.running and host.loading is None:
            return Load(line, host.name, why, place.specs, place.tight)
        self._bind(line, place)
        if any(not each.draining for each in place.evict):
            return Drain(line, host.name, why, place.specs)
        if not self.scene.urgent(line) or not self.scene.rules.preempt or host.loading:
            return None
        calls = sent_back(place)
        if not calls or stuck(calls):
            return None
        return SendBack(line, host.name, tuple(call.id for call in calls))

    def _bind(self, line: Line, place: Place) -> None:
        kept = {(place.host.name, spec) for spec in place.specs}
        self._claimed.add(place.host.name)
        self._promised.append((place.host.name, line.spec))
        self._kept |= kept
        if self.scene.urgent(line) and place.running:
            self._shut.add(place.host.name)
            if self.scene.aged(line):
                self._kept_from_all |= kept

    def _why_load(self, line: Line, place: Place) -> Why:
        if self.scene.urgent(line):
            return Why.URGENT
        if not place.evict:
            return Why.ROOM
        if self.scene.aged(line):
            return Why.AGED
        if any(self.scene.work(place.host, each) for each in place.evict):
            return Why.BATCH_OVER
        return Why.IDLE

    def _copy(self, line: Line) -> Load | None:
        """Load the model a second time where nobody loses by it, if the line is worth a load."""
        if not self._wants_a_copy(line):
            return None
        places = [place for host in self._hosts_for(line) if (place := self._spare(line, host))]
        if not places:
            return None
        best = min(places, key=lambda place: self._delay(line, place))
        return Load(line, best.host.name, Why.IDLE, best.specs, best.tight)

    def _wants_a_copy(self, line: Line) -> bool:
        scene, open_to = self.scene, self._open_to(line)
        if line.limit is not None or scene.loading(line) or scene.homeless(line):
            return False
        slots = sum(host.slots for host, copy in scene.copies(line) if open_to(host, copy))
        if not scene.urgent(line):
            return line.waiting > COPY * slots
        running = [call for _, copy in scene.copies(line) for call in copy.running]
        return all(stuck([call]) for call in running)

    def _spare(self, line: Line, host: HostView) -> Place | None:
        scene = self.scene
        if host.loading or any(each.spec == line.spec for each in host.residents):
            return None
        idle = [
            each
            for each in host.residents
            if not each.running and not scene.work(host, each) and not scene.lingers(each)
        ]
        return place_on(host, line.spec, sorted(idle, key=by_cost(lambda _: 0)))


def _load(host: HostView) -> int:
    return sum(len(each.running) for each in host.residents)
