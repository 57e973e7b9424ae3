"""What the pool's decisions cost: `python benchmarks/pool.py [--calls N] [--json]`.

So many calls wait in eight lines, of eight agents in three priorities, for two hosts with room
for two models each. Then call after call ends, another comes, and the pool is asked until it has
nothing more to do: the price of one round is that of one call. Loads are over at once, so that
there are more of them than there ever will be. No server and no event loop take part.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

from harness.config.priority import Priority
from harness.models.pool.choice import choose, contended
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.view import Drain, HostView, Load, Resident, Rules, Run, Running, Spec

CALLS = 3_000
SIZES = (10, 100, 1_000, 10_000)
SPECS = [Spec(f"model-{n}", 8192) for n in range(8)]
HOSTS = frozenset({"left", "right"})
PRIORITIES = (Priority.P1, Priority.P2, Priority.P1, Priority.P0, Priority.P2)


class Bench:
    """A pool without a server: lines, hosts as plain values, and calls that end when told to."""

    def __init__(self, queued: int) -> None:
        self.lines = Lines()
        self.hosts = {name: HostView(name, slots=2, models=2) for name in sorted(HOSTS)}
        self.running: deque[tuple[str, Spec, int]] = deque()
        self.now = 0.0
        self.verdicts = 0
        self._calls = self._coming()
        for _ in range(queued):
            self.lines.push(next(self._calls))
        self.settle()

    def _coming(self) -> Iterator[Waiting]:
        kinds = zip(cycle(SPECS), cycle(PRIORITIES), cycle(range(7)), strict=False)
        for id, (spec, priority, agent) in enumerate(kinds):
            yield Waiting(id, spec, HOSTS, f"agent-{agent}", priority, self.now)

    def round(self) -> None:
        """One call ends, another comes, and who can go, goes."""
        self.now += 0.1
        host, spec, id = self.running.popleft()
        resident = self._resident(host, spec)
        running = tuple(call for call in resident.running if call.id != id)
        self._put(host, replace(resident, running=running, used=self.now))
        self.lines.push(next(self._calls))
        self.settle()

    def settle(self) -> None:
        rules = Rules(preempt=False)
        while verdict := choose(self.lines.views(), self.hosts.values(), self.now, rules):
            self.verdicts += 1
            if isinstance(verdict, Run):
                self._begin(verdict)
            elif isinstance(verdict, Load):
                self._load(verdict)
            elif isinstance(verdict, Drain):
                for spec in verdict.evict:
                    resident = self._resident(verdict.host, spec)
                    self._put(verdict.host, replace(resident, draining=True))
        self._forget()

    def _begin(self, run: Run) -> None:
        call = self.lines.take(run.line, run.why)
        resident = self._resident(run.host, call.spec)
        running = (*resident.running, Running(call.id, call.priority, self.now))
        served = resident.served + 1
        self._put(run.host, replace(resident, running=running, served=served, draining=False))
        self.running.append((run.host, call.spec, call.id))

    def _load(self, load: Load) -> None:
        host = self.hosts[load.host]
        stay = tuple(each for each in host.residents if each.spec not in load.evict)
        new = Resident(load.line.spec, used=self.now, load=1.0)
        self.hosts[load.host] = replace(host, residents=(*stay, new))

    def _forget(self) -> None:
        wanted = contended(self.lines.views(), self.hosts.values())
        for host in HOSTS - wanted:
            for resident in self.hosts[host].residents:
                self._put(host, replace(resident, served=0))

    def _resident(self, host: str, spec: Spec) -> Resident:
        return next(each for each in self.hosts[host].residents if each.spec == spec)

    def _put(self, host: str, resident: Resident) -> None:
        old = self.hosts[host]
        residents = tuple(
            resident if each.spec == resident.spec else each for each in old.residents
        )
        self.hosts[host] = replace(old, residents=residents)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=CALLS, help="to be timed at each size")
    arguments.add_argument("--json", action="store_true")
    wish = arguments.parse_args()
    costs = {queued: per_call(queued, wish.calls) for queued in SIZES}
    if wish.json:
        print(json.dumps(figures(costs)))
        return
    print(f"{'queued':>8} {'ms per call':>12} {'verdicts per call':>18}")
    for queued, (seconds, verdicts) in costs.items():
        print(f"{queued:>8,} {1000 * seconds:>12.3f} {verdicts:>18.2f}")


def per_call(queued: int, calls: int) -> tuple[float, float]:
    """Seconds and verdicts of one call, while so many wait."""
    bench = Bench(queued)
    for _ in range(calls // 10):
        bench.round()
    bench.verdicts = 0
    before = time.process_time()
    for _ in range(calls):
        bench.round()
    return (time.process_time() - before) / calls, bench.verdicts / calls


def figures(costs: dict[int, tuple[float, float]]) -> dict[str, float]:
    milliseconds = {queued: 1000 * seconds for queued, (seconds, _) in costs.items()}
    return {
        "per_call_ms_1000": round(milliseconds[1_000], 4),
        "rate_10000_vs_10": round(milliseconds[10] / milliseconds[10_000], 3),
    }


if __name__ == "__main__":
    main()
