"""What nobody can beat who knows everything beforehand: lower bounds, with their proofs.

The machine: `fit` models lie in its memory at a time, each with `slots` calls at a time; they load
one after another, `load` seconds each, from an empty memory; what was unloaded keeps its place
for `recover` seconds. Models lie on the GPU as a whole, and a call holds its slot to its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, permutations

from tests.simulation.affinity.work import Job


@dataclass(frozen=True)
class Machine:
    """A server as far as the bounds know it."""

    fit: int
    slots: int
    recover: float = 0.0


@dataclass(frozen=True)
class Pile:
    """All that one model has to do: seconds of its load, and of each call."""

    load: float
    calls: tuple[float, ...]

    def stay(self, slots: int) -> float:
        """Seconds that it lies in memory at the least, when it is loaded once: the load, and then
        no more than `slots` calls at a time, the longest of them in one piece."""
        return self.load + self.use(slots)

    def use(self, slots: int) -> float:
        return max(sum(self.calls) / slots, max(self.calls))


def makespan(piles: Sequence[Pile], machine: Machine) -> float:
    """Seconds from the first call to the end of the last, of calls that may all begin at once.

    Either every model is loaded once, or at least one load is made over. The first case is
    `_each_once`. In the second, add up what fills the `fit` places of the memory over time: all
    calls by `slots`, one load of each model and one more, `recover` for each load that found all
    places taken before, and the places that are empty while the very first model loads, since
    loads go one after another. That sum is no more than `fit` times the makespan.
    """
    return min(_each_once(piles, machine), _once_more(piles, machine))


def _once_more(piles: Sequence[Pile], machine: Machine) -> float:
    fit, shortest = machine.fit, min(pile.load for pile in piles)
    used = sum(pile.load + sum(pile.calls) / machine.slots for pile in piles)
    swaps = max(len(piles) + 1 - fit, 0)
    empty = shortest * (min(fit, len(piles)) - 1)
    alone = max(pile.stay(machine.slots) for pile in piles)
    return max((used + shortest + swaps * machine.recover + empty) / fit, alone)


def _each_once(piles: Sequence[Pile], machine: Machine) -> float:
    """Each model stays for one stretch of at least `stay`, and never more than `fit` at a time.

    Stretches of which no more than `fit` overlap can be dealt out to `fit` places, one after
    another in each. So the best way to deal them out is a bound. The first on each place waits
    for the load of the first on every place that was begun before it.
    """
    return min(_dealt_out(order, cuts, machine) for order, cuts in _deals(piles, machine.fit))


def _deals(piles: Sequence[Pile], fit: int) -> Iterator[tuple[tuple[Pile, ...], tuple[int, ...]]]:
    places = min(fit, len(piles))
    for order in permutations(piles):
        for cuts in combinations(range(1, len(piles)), places - 1):
            yield order, (0, *cuts, len(piles))


def _dealt_out(order: tuple[Pile, ...], cuts: tuple[int, ...], machine: Machine) -> float:
    begins, latest = 0.0, 0.0
    for start, end in pairwise(cuts):
        stays = sum(pile.stay(machine.slots) for pile in order[start:end])
        latest = max(latest, begins + stays + machine.recover * (end - start - 1))
        begins += order[start].load
    return latest


@dataclass(frozen=True)
class Arrival:
    """Jobs that come at one moment, by their model."""

    groups: tuple[tuple[Job, ...], ...]
    machine: Machine

    @cached_property
    def least(self) -> float:
        """Seconds between coming and end, all jobs added up, at the least.

        At most `fit` of the models lie in memory when they come; the others are loaded after
        that, one after another, and no job of theirs begins before. The best choice of those
        that lie there, and the best order of the others, is a bound.
        """
        groups = self.groups
        everybody, kept = range(len(groups)), min(self.machine.fit, len(groups))
        return min(
            sum(self._after(groups[at], 0.0) for at in inside)
            + min(self._one_by_one(order) for order in permutations({*everybody} - {*inside}))
            for inside in combinations(everybody, kept)
        )

    def _one_by_one(self, order: Sequence[int]) -> float:
        ready, total = 0.0, 0.0
        for at in order:
            ready += self.groups[at][0].model.load_seconds
            total += self._after(self.groups[at], ready)
        return total

    def _after(self, jobs: Sequence[Job], ready: float) -> float:
        """Jobs of one model that is there from `ready` on. Each takes what it takes alone. And all
        slots together are no better than one that is `slots` times as fast, on which the
        shortest first and in pieces is best."""
        alone = sum(job.alone for job in jobs)
        done, shared = 0.0, 0.0
        for work in sorted(job.work for job in jobs):
            done += work / self.machine.slots
            shared += done
        return len(jobs) * ready + max(alone, shared)


def delays(jobs: Sequence[Job], machine: Machine) -> float:
    """Seconds between coming and end, all jobs of a day added up, at the least.

    Each moment counts for itself, as if nothing else were there and the best models lay in
    memory by foresight; what one moment costs the next only adds to it.
    """
    moments = sorted({job.begins for job in jobs})
    return sum(Arrival(_by_model(jobs, moment), machine).least for moment in moments)


def _by_model(jobs: Sequence[Job], moment: float) -> tuple[tuple[Job, ...], ...]:
    here = [job for job in jobs if job.begins == moment]
    names = sorted({job.model.name for job in here})
    return tuple(tuple(job for job in here if job.model.name == name) for name in names)


def of_burst(jobs: Sequence[Job], machine: Machine) -> float:
    """The end of the last call: no sooner than of all at once, and than each after it came."""
    names = {job.model.name: job.model for job in jobs}
    piles = [
        Pile(
            model.load_seconds,
            tuple(job.seconds(call) for job in jobs if job.model is model for call in job.calls),
        )
        for model in names.values()
    ]
    begins = min(job.begins for job in jobs)
    return max(begins + makespan(piles, machine), max(job.begins + job.work for job in jobs))
