"""Which place a line's model gets, of those that it may have: the one that costs least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from harness.models.pool.places import Place, by_cost, place_on, sent_back, stuck
from harness.models.pool.scene import Scene
from harness.models.pool.view import HostView, Line, Resident, Why


def best_place(scene: Scene, line: Line, hosts: Iterable[HostView]) -> Place | None:
    """Where the model is loaded soonest, of the hosts on which the rules let it have a place."""
    places = [place for host in hosts if (place := _place(scene, line, host))]
    return min(places, key=lambda place: _delay(scene, line, place), default=None)


def spare_place(scene: Scene, line: Line, hosts: Iterable[HostView]) -> Place | None:
    """Where a second copy costs nobody anything."""
    places = [place for host in hosts if (place := _spare(scene, line, host))]
    return min(places, key=lambda place: _delay(scene, line, place), default=None)


def quiet_places(
    scene: Scene, line: Line, hosts: Iterable[HostView], due: float
) -> Iterator[Place]:
    """Where nothing is done, once those are gone that are due later than that."""
    for host in hosts:
        if host.loading is None and not any(each.running for each in host.residents):
            later = [each for each in host.residents if _is_later(scene, host, each, due)]
            place = place_on(host, line.spec, sorted(later, key=by_cost(lambda _: 0)))
            if place:
                yield place


def reason(scene: Scene, line: Line, place: Place) -> Why:
    """Why the line may have its model loaded there."""
    if scene.urgent(line):
        return Why.URGENT
    if not place.evict:
        return Why.ROOM
    if scene.aged(line):
        return Why.AGED
    if any(scene.work(place.host, each) for each in place.evict):
        return Why.BATCH_OVER
    return Why.IDLE


def _place(scene: Scene, line: Line, host: HostView) -> Place | None:
    may_go = [each for each in host.residents if scene.may_have(line, host, each)]
    cost = by_cost(_worth(scene, host))
    if scene.urgent(line):
        by_harm = sorted(may_go, key=lambda each: (stuck(each.running), cost(each)))
        return _urgent_place(scene, line, host, by_harm)
    place = place_on(host, line.spec, sorted(may_go, key=cost))
    lingering = place and any(scene.lingers(each) for each in place.evict)
    return None if lingering and not scene.aged(line) else place


def _urgent_place(
    scene: Scene, line: Line, host: HostView, by_harm: Sequence[Resident]
) -> Place | None:
    """A load that may be broken off takes no room."""
    if not scene.may_end(line, host):
        return place_on(host, line.spec, by_harm)
    place = place_on(replace(host, loading=None), line.spec, by_harm)
    return place and replace(place, host=host)


def _worth(scene: Scene, host: HostView) -> Callable[[Resident], int]:
    return lambda each: 2 if scene.work(host, each) else int(scene.lingers(each))


def _spare(scene: Scene, line: Line, host: HostView) -> Place | None:
    if host.loading or any(each.spec == line.spec for each in host.residents):
        return None
    idle = [each for each in host.residents if _is_idle(scene, host, each)]
    return place_on(host, line.spec, sorted(idle, key=by_cost(lambda _: 0)))


def _is_idle(scene: Scene, host: HostView, resident: Resident) -> bool:
    return not (resident.running or scene.work(host, resident) or scene.lingers(resident))


def _is_later(scene: Scene, host: HostView, resident: Resident, due: float) -> bool:
    later = resident.due is None or resident.due > due
    return later and not scene.work(host, resident)


def _delay(scene: Scene, line: Line, place: Place) -> tuple[object, ...]:
    """How long the place lets wait, then what it costs; smaller is better."""
    loading = place.host.loading is not None
    if scene.urgent(line) and scene.rules.preempt:
        harm = (stuck(place.running), loading, len(sent_back(place)))
        return (*harm, *_price(scene, place))
    return (2 * bool(place.running) or int(loading), *_price(scene, place))


def _price(scene: Scene, place: Place) -> tuple[object, ...]:
    fresh = sum(not each.draining for each in place.evict if each.running)
    work = sum(bool(scene.work(place.host, each)) for each in place.evict)
    return (fresh, work, len(place.evict), place.host.busy, place.host.name)
