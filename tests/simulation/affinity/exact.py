"""The best schedule of a tiny burst, by trying all of them, second by second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from tests.simulation.affinity.bound import Machine, Pile

AWAY = -1  # instead of the seconds that a load still takes


@dataclass(frozen=True)
class Moment:
    """How it stands at a full second. All times are whole numbers."""

    loading: tuple[int, ...]  # of each model: seconds to go, 0 when it is loaded, or AWAY
    waiting: tuple[tuple[int, ...], ...]  # calls that have not begun
    running: tuple[tuple[int, ...], ...]  # seconds to go of those that have
    returning: tuple[int, ...] = ()  # seconds until places are free again

    @property
    def is_over(self) -> bool:
        return not any(self.waiting) and not any(self.running)


def shortest(piles: list[Pile], machine: Machine) -> int:
    """Seconds of the best schedule. Only for a handful of calls."""
    calls = tuple(tuple(sorted(int(call) for call in pile.calls)) for pile in piles)
    front = {Moment((AWAY,) * len(piles), calls, ((),) * len(piles))}
    seconds = 0
    while not any(moment.is_over for moment in front):
        begun = {after for moment in front for after in _choices(moment, piles, machine)}
        front = {_a_second_later(moment) for moment in begun}
        seconds += 1
    return seconds


def _choices(moment: Moment, piles: list[Pile], machine: Machine) -> Iterator[Moment]:
    """Everything that may be decided now: who leaves, who loads, and which calls begin."""
    for left in _unloads(moment, int(machine.recover)):
        for loaded in _loads(left, piles, machine):
            yield from _begins(loaded, machine)


def _unloads(moment: Moment, recover: int) -> Iterator[Moment]:
    idle = [at for at, left in enumerate(moment.loading) if left == 0 and not moment.running[at]]
    for size in range(len(idle) + 1):
        for out in combinations(idle, size):
            loading = tuple(AWAY if at in out else left for at, left in enumerate(moment.loading))
            back = moment.returning + (recover,) * (len(out) if recover else 0)
            yield Moment(loading, moment.waiting, moment.running, tuple(sorted(back)))


def _loads(moment: Moment, piles: list[Pile], machine: Machine) -> Iterator[Moment]:
    yield moment
    taken = sum(left != AWAY for left in moment.loading) + len(moment.returning)
    if taken >= machine.fit or any(left > 0 for left in moment.loading):
        return
    for at, left in enumerate(moment.loading):
        if left == AWAY and moment.waiting[at]:
            loading = (*moment.loading[:at], int(piles[at].load), *moment.loading[at + 1 :])
            yield Moment(loading, moment.waiting, moment.running, moment.returning)


def _begins(moment: Moment, machine: Machine) -> Iterator[Moment]:
    """Any calls begin for which there is a slot, or none."""
    options = []
    for at, waiting in enumerate(moment.waiting):
        free = machine.slots - len(moment.running[at]) if moment.loading[at] == 0 else 0
        sizes = range(min(free, len(waiting)) + 1)
        options.append(sorted({each for size in sizes for each in combinations(waiting, size)}))
    for chosen in product(*options):
        pairs = list(zip(moment.running, moment.waiting, chosen, strict=True))
        running = tuple(tuple(sorted(before + more)) for before, _, more in pairs)
        left = tuple(_without(before, more) for _, before, more in pairs)
        yield Moment(moment.loading, left, running, moment.returning)


def _without(calls: tuple[int, ...], taken: tuple[int, ...]) -> tuple[int, ...]:
    left = list(calls)
    for call in taken:
        left.remove(call)
    return tuple(left)


def _a_second_later(moment: Moment) -> Moment:
    return Moment(
        tuple(left - 1 if left > 0 else left for left in moment.loading),
        moment.waiting,
        tuple(tuple(left - 1 for left in calls if left > 1) for calls in moment.running),
        tuple(left - 1 for left in moment.returning if left > 1),
    )
