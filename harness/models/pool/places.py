"""Where a model can be loaded, and what must go for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from harness.config.priority import Priority
from harness.models.pool.view import HostView, Resident, Running, Spec

SHARE = 0.8  # of the free memory: a server that is asked for more chooses itself who must go


@dataclass(frozen=True)
class Place:
    """A host with room for a model, once those in `evict` are gone."""

    host: HostView
    evict: tuple[Resident, ...]
    tight: bool  # the model does not fit into its memory

    @property
    def running(self) -> list[Running]:
        """The calls that must end first."""
        return [call for resident in self.evict for call in resident.running]

    @property
    def specs(self) -> tuple[Spec, ...]:
        return tuple(resident.spec for resident in self.evict)


def place_on(host: HostView, spec: Spec, candidates: Sequence[Resident]) -> Place | None:
    """The place that costs least, where candidates cost more and more; None: there is none."""
    same = [resident for resident in host.residents if resident.spec.model == spec.model]
    if any(resident not in candidates for resident in same):
        return None
    evict = list(same)
    for resident in candidates:
        if fits(host, spec, evict):
            break
        if resident not in evict:
            evict.append(resident)
    if not fits(host, spec, evict):
        return None
    return Place(host, _needed(host, spec, evict), not fits_alone(host, spec))


def _needed(host: HostView, spec: Spec, evict: Sequence[Resident]) -> tuple[Resident, ...]:
    """Those without whom it does not fit; the dearest, who come last, are spared first."""
    needed = list(evict)
    for resident in reversed(evict):
        others = [other for other in needed if other is not resident]
        if fits(host, spec, others):
            needed = others
    return tuple(needed)


def fits(host: HostView, spec: Spec, gone: Collection[Resident] = ()) -> bool:
    """Whether the model can be loaded beside those that stay.

    Of one model only one context can be loaded. Sizes that nobody knows count nothing. A model
    that is too large for the whole host must have it for itself.
    """
    stay = [resident for resident in host.residents if resident not in gone]
    if any(resident.spec.model == spec.model for resident in stay):
        return False
    if len(stay) + (host.loading is not None) >= host.models:
        return False
    if not fits_alone(host, spec):
        return not stay and host.loading is None
    if host.memory is None:
        return True
    taken = sum(_size(host, resident) for resident in stay)
    taken += host.needs.get(host.loading, 0) if host.loading else 0
    return host.needs.get(spec, 0) <= SHARE * (host.memory - taken)


def fits_alone(host: HostView, spec: Spec) -> bool:
    """Whether the host's memory is large enough for the model, as far as that is known."""
    return host.memory is None or host.needs.get(spec, 0) <= SHARE * host.memory


def suitable(hosts: Iterable[HostView], spec: Spec) -> list[HostView]:
    """The hosts that are large enough for the model, else the largest: it loads on its CPU too."""
    known = list(hosts)
    enough = [host for host in known if fits_alone(host, spec)]
    if enough or not known:
        return enough
    return [max(known, key=lambda host: host.memory or 0)]


def sent_back(place: Place) -> list[Running]:
    """Those of the calls in the way who would have to begin anew; the youngest first."""
    calls = [call for call in place.running if not call.leaving]
    return sorted(calls, key=cheapest)


def stuck(calls: Iterable[Running]) -> int:
    """How many of the calls cannot be sent back."""
    return sum(not call.leaving and not yields(call) for call in calls)


def yields(call: Running) -> bool:
    """Whether a P0 may have the call's slot."""
    return call.may_yield and not call.leaving and call.priority is not Priority.P0


def cheapest(call: Running) -> tuple[object, ...]:
    """The least urgent, then the youngest, has least to lose."""
    return ([*Priority].index(call.priority) * -1, -call.began, call.id)


def by_cost(worth: Callable[[Resident], int]) -> Callable[[Resident], tuple[object, ...]]:
    """The order in which residents go: idle ones first, those of no worth now, then as Belady.

    Among the busy one that drains already goes on doing so, else nobody would ever be done.
    """

    def cost(resident: Resident) -> tuple[object, ...]:
        busy, fresh = bool(resident.running), not resident.draining
        due = float("-inf") if resident.due is None else -resident.due
        first = (fresh, worth(resident)) if busy else (worth(resident), fresh)
        return (busy, *first, len(resident.running), due, resident.used, resident.spec)

    return cost


def _size(host: HostView, resident: Resident) -> int:
    return host.needs.get(resident.spec, 0) if resident.size is None else resident.size
