"""What the pool shows to `choose`: lines with the hosts that are open to them, and these hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.config.priority import Priority
from harness.models.pool import choice
from harness.models.pool.fleet import Fleet
from harness.models.pool.residents import Server, ViewRules
from harness.models.pool.view import HostView, Line, Spec


@dataclass
class Sight:
    """`origins` has the line that waits for each that is shown, by the identity of the latter."""

    lines: list[Line] = field(default_factory=list)
    hosts: list[HostView] = field(default_factory=list)
    origins: dict[int, Line] = field(default_factory=dict)
    hopeless: list[Line] = field(default_factory=list)  # no host of theirs serves them now


@dataclass(frozen=True)
class Looker:
    """What all lines and hosts are seen with."""

    fleet: Fleet
    contexts: Mapping[str, int]  # with which each model is to be loaded
    rules: ViewRules

    def sight(self, lines: Sequence[Line]) -> Sight:
        """What is to be decided on. A host that is not known well enough is asked, and is not
        shown meanwhile."""
        seen, servers = Sight(), dict[str, Server]()
        for line in lines:
            able = self.able(line)
            if not able:
                seen.hopeless.append(line)
                continue
            known = [server for server in able if self.fleet.is_known(server, line.spec.model)]
            servers |= {server.name: server for server in known}
            hosts = frozenset(server.name for server in known if is_open(server, line))
            if hosts:
                shown = self.shown(line, hosts)
                seen.lines.append(shown)
                seen.origins[id(shown)] = line
        seen.hosts = self.views(list(servers.values()), seen.lines)
        return seen

    def able(self, line: Line) -> list[Server]:
        """The hosts that serve the line's model, as far as is known."""
        others = len(line.hosts) > 1
        return [
            server
            for server in self.fleet.of(line.hosts)
            if self.fleet.trouble(server, line.spec, others=others) is None
        ]

    def shown(self, line: Line, hosts: frozenset[str]) -> Line:
        spec = self.loaded_as(line.spec)
        same = hosts == line.hosts and spec == line.spec
        return line if same else replace(line, spec=spec, hosts=hosts)

    def loaded_as(self, spec: Spec) -> Spec:
        """One context for each model: the largest that anybody wants."""
        wanted = self.contexts.get(spec.model, 0)
        return spec if spec.num_ctx >= wanted else Spec(spec.model, wanted)

    def views(self, servers: Sequence[Server], lines: Sequence[Line]) -> list[HostView]:
        """The hosts; those that no line contends for begin to count their batches anew."""
        wanted = {line.spec for line in lines}
        views = [self.view(server, wanted) for server in servers]
        if not any(held.served for server in servers for held in server.held.values()):
            return views
        contended = choice.contended(lines, views)
        for server in servers:
            if server.name not in contended:
                for held in server.held.values():
                    held.served = 0
        return [self.view(server, wanted) for server in servers]

    def view(self, server: Server, wanted: set[Spec]) -> HostView:
        return server.view(self.contexts, wanted, self.rules)


def is_open(server: Server, line: Line) -> bool:
    """Whether a call may begin there: while a load may wait for a busy model to become idle, new
    calls would keep that model busy for ever (wire facts, starvation)."""
    return not server.is_draining or line.priority is Priority.P0
