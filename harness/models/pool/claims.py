"""What lines that went first hold for themselves: it binds those that are looked at after them."""

from __future__ import annotations

from collections.abc import Iterable

from harness.models.pool.places import Place
from harness.models.pool.scene import Scene
from harness.models.pool.view import HostView, Line, Resident, Spec

Seat = tuple[str, Spec]  # a model on a host


class Claims:
    """Made anew for each look at the scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._taken: set[str] = set()  # hosts on which nobody else may load now
        self._shut: set[str] = set()  # hosts that a P0 needs drained: only P0 begins there
        self._kept: set[Seat] = set()  # no call begins there but a P0's
        self._kept_from_all: set[Seat] = set()  # not even a P0's
        self._promised: list[Seat] = []  # what will be loaded, and where

    def open_to_load(self, hosts: Iterable[HostView]) -> list[HostView]:
        """Those of the hosts on which nobody claimed the next load."""
        return [host for host in hosts if host.name not in self._taken]

    def promised(self, line: Line) -> bool:
        """Whether its model will be loaded where it may run."""
        return any(spec == line.spec and host in line.hosts for host, spec in self._promised)

    def may_begin(self, line: Line, host: HostView, resident: Resident) -> bool:
        seat = (host.name, resident.spec)
        if self._scene.urgent(line):
            return seat not in self._kept_from_all
        return host.name not in self._shut and seat not in self._kept

    def keep_a_slot(self, copies: Iterable[tuple[HostView, Resident]]) -> None:
        """Have the next slot that a call of the least busy copy gives back left to the line."""
        host, resident = min(copies, key=lambda each: len(each[1].running))
        self._kept.add((host.name, resident.spec))

    def take_all(self, hosts: Iterable[HostView]) -> None:
        """Let nobody else load on hosts where the line could not have a place yet."""
        self._taken.update(host.name for host in hosts)

    def take(self, line: Line, place: Place) -> None:
        """Have the place cleared for the line, and let nobody else have it."""
        seats = {(place.host.name, spec) for spec in place.specs}
        self._taken.add(place.host.name)
        self._promised.append((place.host.name, line.spec))
        self._kept |= seats
        if self._scene.urgent(line) and place.running:
            self._shut.add(place.host.name)
            if self._scene.aged(line):
                self._kept_from_all |= seats
