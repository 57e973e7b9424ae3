"""What the pool shows to `choose`: lines with the hosts that are open to them, and these hosts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from harness.config.priority import Priority
from harness.models.pool import choice
from harness.models.pool.fleet import Fleet
from harness.models.pool.server import Server
from harness.models.pool.showing import ViewRules, host_view
from harness.models.pool.view import HostView, Line, Spec


@dataclass
class Sight:
    """`origins` has the line that waits for each that is shown, by the identity of the latter."""

    waiting: Sequence[Line]  # all of them, as they wait
    lines: list[Line] = field(default_factory=list)
    hosts: list[HostView] = field(default_factory=list)
    origins: dict[int, Line] = field(default_factory=dict)
    hopeless: list[Line] = field(default_factory=list)  # no host of theirs serves them now

    @cached_property
    def contended(self) -> frozenset[str]:
        return choice.contended(self.lines, self.hosts)


@dataclass(frozen=True)
class Ways:
    """The hosts that a line may have, and how it is to be loaded there."""

    able: tuple[Server, ...]  # which serve its model, as far as is known
    known: tuple[Server, ...]  # of these, those that need not be asked first what they hold
    open: frozenset[str]  # of these, those where a call may begin
    spec: Spec


Kind = tuple[Spec, frozenset[str], bool]  # of a line: its ways are those of all of the kind


@dataclass(frozen=True)
class Looker:
    """What all lines and hosts are seen with, at one moment: what was seen once is not looked at
    again. A new one is needed once more has changed than the calls of a host."""

    fleet: Fleet
    contexts: Mapping[str, int]  # with which each model is to be loaded
    rules: ViewRules
    _ways: dict[Kind, Ways] = field(default_factory=dict)
    _views: dict[str, HostView] = field(default_factory=dict)

    def sight(self, lines: Sequence[Line]) -> Sight:
        """What is to be decided on. A host that is not known well enough is asked, and is not
        shown meanwhile."""
        seen, servers = Sight(lines), dict[str, Server]()
        for line in lines:
            ways = self.ways(line)
            if not ways.able:
                seen.hopeless.append(line)
                continue
            for server in ways.known:
                servers[server.name] = server
            if ways.open:
                shown = shown_as(line, ways)
                seen.lines.append(shown)
                seen.origins[id(shown)] = line
        wanted = {line.spec for line in seen.lines}
        seen.hosts = [self.seen(server, wanted) for server in servers.values()]
        self.forget_batches(seen, servers.values(), wanted)
        return seen

    def forget(self, host: str) -> None:
        """The calls of a host are not those any more that were seen."""
        self._views.pop(host, None)

    def ways(self, line: Line) -> Ways:
        kind = (line.spec, line.hosts, line.priority is Priority.P0)
        if kind not in self._ways:
            self._ways[kind] = self.find_ways(line)
        return self._ways[kind]

    def find_ways(self, line: Line) -> Ways:
        spec, others = self.loaded_as(line.spec), len(line.hosts) > 1
        able = [
            server
            for server in self.fleet.of(line.hosts)
            if self.fleet.trouble(server, spec, others=others) is None
        ]
        known = [server for server in able if self.fleet.is_known(server, line.spec.model)]
        hosts = frozenset(server.name for server in known if is_open(server, line))
        if len(known) < len(able) and waits_for_looks(line, known):
            hosts = frozenset()
        return Ways(tuple(able), tuple(known), hosts, spec)

    def loaded_as(self, spec: Spec) -> Spec:
        """One context for each model: the largest that anybody wants now. A call may have come
        when it was another one; to load that for it would be to load the model for ever."""
        return Spec(spec.model, self.contexts.get(spec.model, spec.num_ctx))

    def seen(self, server: Server, wanted: set[Spec]) -> HostView:
        if server.name not in self._views:
            self._views[server.name] = self.view(server, wanted)
        return self._views[server.name]

    def forget_batches(self, seen: Sight, servers: Collection[Server], wanted: set[Spec]) -> None:
        """Hosts that no line contends for begin to count their batches anew."""
        counting = [
            server for server in servers if any(held.served for held in server.held.values())
        ]
        over = [server for server in counting if server.name not in seen.contended]
        for server in over:
            for held in server.held.values():
                held.served = 0
            self.forget(server.name)
        if over:
            seen.hosts = [self.seen(server, wanted) for server in servers]

    def view(self, server: Server, wanted: set[Spec]) -> HostView:
        return host_view(server, self.contexts, wanted, self.rules)


def shown_as(line: Line, ways: Ways) -> Line:
    same = ways.open == line.hosts and ways.spec == line.spec
    return line if same else replace(line, spec=ways.spec, hosts=ways.open)


def waits_for_looks(line: Line, known: Collection[Server]) -> bool:
    """Whether the hosts that are being looked at must be known first: one of them may hold the
    model, that would else be loaded at another. P0 does not wait for a host that may be deaf."""
    holds = any(line.spec.model in server.held for server in known)
    return not holds and line.priority is not Priority.P0


def is_open(server: Server, line: Line) -> bool:
    """Whether a call may begin there: while a load may wait for a busy model to become idle, new
    calls would keep that model busy for ever (wire facts, starvation)."""
    return not server.is_draining or line.priority is Priority.P0
