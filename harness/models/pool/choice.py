"""Which call goes next, and which model is loaded for it. Pure; docs/pool.md has the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from harness.models.pool.claims import Claims
from harness.models.pool.places import Place, cheapest, sent_back, stuck, suitable, yields
from harness.models.pool.placing import best_place, reason, spare_place
from harness.models.pool.scene import Scene, lingers_until
from harness.models.pool.view import (
    BreakOff,
    Drain,
    HostView,
    Line,
    Load,
    Rules,
    Run,
    SendBack,
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
    BreakOff: marks the load as ending, and it is gone in a moment.
    Load: unloads `evict`, sets `loading`; when it is loaded, a Resident with `served` 0.
    """
    return next(_Look(Scene(lines, hosts, now, rules)).verdicts(), None)


def wake_at(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> float | None:
    """When time alone changes what `choose` says; None: never before something happens."""
    if not lines:
        return None
    times = [line.since + rules.patience for line in lines]
    times += [line.came + rules.patience for line in lines]
    residents = [each for host in hosts for each in host.residents]
    times += [lingers_until(each) for each in residents if not each.running]
    return min((time for time in times if time > now), default=None)


def contended(lines: Collection[Line], hosts: Collection[HostView]) -> frozenset[str]:
    """The hosts that a line waits for whose model is nowhere loaded where it may run.

    The pool counts `Resident.served` while its host is in here, and sets it to 0 when it is not.
    """
    return Scene(lines, hosts, 0.0, Rules()).contended()


class _Look:
    """One look at the scene. Claims of lines that were looked at before bind those after them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.claims = Claims(scene)

    def verdicts(self) -> Iterator[Verdict]:
        """What is to be done, as each line would have it; only the first is asked for."""
        for verdict in self._wishes():
            if verdict:
                yield verdict

    def _wishes(self) -> Iterator[Verdict | None]:
        urgent, others = self.scene.by_urgency()
        yield from map(self._hurry, urgent)
        yield from (self._settle(line) for line in others if self.scene.homeless(line))
        yield from map(self._run, others)
        yield from map(self._copy, [*urgent, *others])

    def _hurry(self, line: Line) -> Verdict | None:
        """A P0 gets a slot, else the slot of a less urgent call, else a place."""
        if self.scene.homeless(line):
            return self._settle(line)
        return self._run(line) or self._take_a_slot(line)

    def _run(self, line: Line) -> Run | None:
        """Begin a call where the model is loaded, on the host with most room."""
        scene, may_begin = self.scene, self.claims.may_begin
        copies = [each for each in scene.copies(line) if may_begin(line, *each)]
        free = [each for each in copies if scene.free(line, *each) > 0]
        if free:
            host, _ = max(free, key=lambda each: (scene.free(line, *each), -each[0].busy))
            return Run(line, host.name, self._why_now(line))
        if copies and (scene.urgent(line) or scene.aged(line)):
            self.claims.keep_a_slot(copies)
        return None

    def _why_now(self, line: Line) -> Why:
        if self.scene.urgent(line):
            return Why.URGENT
        return Why.AGED if self.scene.aged(line) else Why.LOADED

    def _take_a_slot(self, line: Line) -> SendBack | None:
        """Send the cheapest call of the model back, unless one is on its way already."""
        running = [(host, call) for host, copy in self.scene.copies(line) for call in copy.running]
        ready = [(host, call) for host, call in running if yields(call)]
        leaving = any(call.leaving for _, call in running)
        if leaving or not ready or not self.scene.rules.preempt:
            return None
        host, call = min(ready, key=lambda each: cheapest(each[1]))
        return SendBack(line, host.name, (call.id,))

    def _settle(self, line: Line) -> Verdict | None:
        """Load the line's model, or clear a place for it, if the rules let it have one."""
        if self.claims.promised(line):
            return None
        hosts = self._hosts_for(line)
        place = best_place(self.scene, line, hosts)
        if place:
            return self._clear(line, place)
        if self.scene.urgent(line) or self.scene.aged(line):
            self.claims.take_all(hosts)
        return None

    def _hosts_for(self, line: Line) -> list[HostView]:
        return self.claims.open_to_load(suitable(self.scene.hosts_of(line), line.spec))

    def _clear(self, line: Line, place: Place) -> Verdict | None:
        """Load now, or see to it that the place is cleared and nobody else takes it."""
        why = reason(self.scene, line, place)
        if not place.running and place.host.loading is None:
            return Load(line, place.host.name, why, place.specs, place.tight)
        self.claims.take(line, place)
        if any(not each.draining for each in place.evict):
            return Drain(line, place.host.name, why, place.specs)
        if self.scene.urgent(line) and self.scene.rules.preempt:
            return self._sweep(line, place)
        return None

    def _sweep(self, line: Line, place: Place) -> BreakOff | SendBack | None:
        """Have the load and the calls in the way begin anew, if the line waits for nothing else."""
        host, calls = place.host, sent_back(place)
        if stuck(calls) or (host.loading and not self.scene.may_end(line, host)):
            return None
        if host.loading and not host.ending:
            return BreakOff(line, host.name)
        return SendBack(line, host.name, tuple(call.id for call in calls)) if calls else None

    def _copy(self, line: Line) -> Load | None:
        """Load the model a second time where nobody loses by it, if the line is worth a load."""
        if not self._wants_a_copy(line):
            return None
        place = spare_place(self.scene, line, self._hosts_for(line))
        if place is None:
            return None
        return Load(line, place.host.name, Why.IDLE, place.specs, place.tight)

    def _wants_a_copy(self, line: Line) -> bool:
        scene = self.scene
        if line.limit is not None or scene.loading(line) or scene.homeless(line):
            return False
        copies = scene.copies(line)
        if scene.urgent(line):
            return all(stuck([call]) for _, copy in copies for call in copy.running)
        open_to = [host for host, copy in copies if self.claims.may_begin(line, host, copy)]
        return line.waiting > COPY * sum(host.slots for host in open_to)
