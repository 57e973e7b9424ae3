"""A model is fetched before its calls come, while that keeps nobody waiting. Pure."""

from __future__ import annotations

from collections.abc import Collection

from harness.config.priority import Priority
from harness.models.pool.places import suitable
from harness.models.pool.placing import quiet_places
from harness.models.pool.scene import Scene
from harness.models.pool.view import HostView, Line, Load, Rules, Spec, Why


def prefetch(
    spec: Spec,
    names: frozenset[str],
    due: float,
    lines: Collection[Line],
    hosts: Collection[HostView],
    now: float,
    rules: Rules,
) -> Load | None:
    """How to load a model that is due; None: not now.

    Only on a host that does nothing and that nobody waits for, and never in the place of a model
    that is due sooner than this one. `line` of the answer is an empty one.
    """
    line = Line(spec, names, 0, Priority.P2, since=now, came=now)
    scene = Scene(lines, hosts, now, rules)
    if not scene.homeless(line):
        return None
    wanted = scene.contended()
    quiet = [host for host in suitable(scene.hosts_of(line), spec) if host.name not in wanted]
    places = quiet_places(scene, line, quiet, due)
    best = min(places, key=lambda place: (len(place.evict), place.host.name), default=None)
    if best is None:
        return None
    return Load(line, best.host.name, Why.PREFETCH, best.specs, best.tight)
