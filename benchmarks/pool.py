"""What the pool's decisions cost: `python benchmarks/pool.py [--calls N] [--json]`.

So many calls wait in eight lines, of seven agents in three priorities, for two hosts with room
for two models each. Then call after call ends, another comes, and the pool is asked until it has
nothing more to do: the price of one round is that of one call. Loads are over at once, so that
there are more of them than there ever will be. `choice` is lines and choice alone, `pool` the
whole of it with its event loop, in front of hosts that do everything at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

import structlog

from harness.config.priority import Priority
from harness.config.settings import PoolSettings
from harness.models.ollama_host import Loaded, OllamaHost
from harness.models.pool.choice import choose, contended
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Wish
from harness.models.pool.view import Drain, HostView, Load, Resident, Rules, Run, Running, Spec
from harness.models.port import Asker

CALLS = 3_000
SIZES = (10, 100, 1_000, 10_000)
SPECS = [Spec(f"model-{n}", 8192) for n in range(8)]
SLOTS = 8  # of both hosts together
HOSTS = frozenset({"left", "right"})
PRIORITIES = (Priority.P1, Priority.P2, Priority.P1, Priority.P0, Priority.P2)


class Bench:
    """A pool without a server: lines, hosts as plain values, and calls that end when told to."""

    def __init__(self, queued: int) -> None:
        self.lines = Lines()
        self.hosts = {name: HostView(name, slots=2, models=2) for name in sorted(HOSTS)}
        self.running: deque[tuple[str, Spec, int]] = deque()
        self.now = 0.0
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


class InstantHost(OllamaHost):
    """A server that needs no time and no network."""

    def __init__(self, name: str) -> None:
        super().__init__("http://127.0.0.1:9", name=name, slots=2, models=2)
        self._held: dict[str, Loaded] = {}

    async def load(
        self,
        model: str,
        *,
        num_ctx: int = 0,
        keep_alive: float | str | None = None,
        embeds: bool = False,
    ) -> None:
        self._held[model] = Loaded(model, num_ctx=num_ctx)

    async def unload(self, model: str) -> None:
        self._held.pop(model, None)

    async def running(self) -> list[Loaded]:
        return list(self._held.values())

    async def sizes(self) -> dict[str, int]:
        return {f"{spec.model}:latest": 1 for spec in SPECS}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=CALLS, help="to be timed at each size")
    arguments.add_argument("--json", action="store_true")
    wish = arguments.parse_args()
    # a line for each load is the log's cost and no part of the question
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    choices = {queued: 1000 * choice_cost(queued, wish.calls) for queued in SIZES}
    pools = {queued: 1000 * asyncio.run(pool_cost(queued, wish.calls)) for queued in SIZES}
    if wish.json:
        print(json.dumps(figures(choices, pools)))
        return
    print(f"{'queued':>8} {'choice, ms':>12} {'pool, ms':>12}   of each call")
    for queued in SIZES:
        print(f"{queued:>8,} {choices[queued]:>12.3f} {pools[queued]:>12.3f}")


def choice_cost(queued: int, calls: int) -> float:
    """Seconds of the processor for one call, while so many wait."""
    bench = Bench(queued)
    for _ in range(calls // 10):
        bench.round()
    before = time.process_time()
    for _ in range(calls):
        bench.round()
    return (time.process_time() - before) / calls


async def pool_cost(queued: int, calls: int) -> float:
    """The same of the whole pool: callers who ask again and again, so many more than slots."""
    pool = Pool([InstantHost(name) for name in sorted(HOSTS)], PoolSettings(preempt=False))
    served = 0

    async def caller(wish: Wish) -> None:
        nonlocal served
        while True:
            async with pool.slot(wish):
                await asyncio.sleep(0)
                served += 1

    async def until(number: int) -> float:
        while served < number:
            await asyncio.sleep(0)
        return time.process_time()

    callers = range(queued + SLOTS)
    kinds = zip(cycle(SPECS), cycle(PRIORITIES), cycle(range(7)), callers, strict=False)
    wishes = [Wish(spec, asker=Asker(f"agent-{n}", None, first)) for spec, first, n, _ in kinds]
    tasks = [asyncio.create_task(caller(wish)) for wish in wishes]
    try:
        start = served + calls // 10
        before = await until(start)
        began, after = served, await until(start + calls)
        return (after - before) / (served - began)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pool.aclose()


def figures(choices: dict[int, float], pools: dict[int, float]) -> dict[str, float]:
    """Milliseconds, and the rate with ten thousand waiting as a share of that with ten."""
    return {
        "per_call_ms_1000": round(pools[1_000], 4),
        "rate_10000_vs_10": round(pools[10] / pools[10_000], 3),
        "choice_ms_1000": round(choices[1_000], 4),
        "choice_rate_10000_vs_10": round(choices[10] / choices[10_000], 3),
    }


if __name__ == "__main__":
    main()
