"""A day of the crew and a burst on one GPU: against first come, first served, and a bound.

    python benchmarks/affinity.py [--json] [--seeds N] [--trace]

Every call goes over real HTTP to a double of the Ollama server, in virtual time: two of four models
fit into its memory, loads take seven to nine seconds and go one at a time, each model takes two
calls at a time. The same calls go straight to the server as they come (with its own queue and a
keep-alive of five minutes), and through the house. The bound is what nobody can beat who
knows everything beforehand (tests/simulation/affinity/bound.py has the proofs).

The day has sixty tasks of several calls each, with pauses for tools; the burst has 120 calls within
ten seconds, and a person's among them. A person's calls (P0) are made once more on an idle
machine with the same models in memory: that is what their wait is measured by.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the double

from tests.simulation.affinity import work
from tests.simulation.affinity.bound import Machine, delays, of_burst
from tests.simulation.affinity.play import Played, Told, alone, house, play, straight
from tests.simulation.affinity.work import Job

SEEDS = 3
MACHINE = Machine(work.FIT, work.SERVER.parallel, work.SERVER.recover_seconds)
TARGETS = {"loads_vs_fcfs": 0.5, "makespan_vs_bound": 1.25, "p0_wait_vs_idle": 1.1}


@dataclass(frozen=True)
class Round:
    """One load of work in both ways."""

    jobs: Sequence[Job]
    fcfs: Played
    ours: Played
    idle: Sequence[Told]  # the urgent calls of ours, made alone

    @property
    def slowest(self) -> float:
        """The worst of the urgent calls against itself alone."""
        pairs = zip(self.ours.urgent, self.idle, strict=True)
        return max(call.to_first / lonely.to_first for call, lonely in pairs)


@dataclass(frozen=True)
class Total:
    """The rounds of one kind added up."""

    rounds: Sequence[Round]

    @property
    def loads(self) -> tuple[int, int]:
        """Of fcfs, and ours."""
        return sum(one.fcfs.loads for one in self.rounds), sum(
            one.ours.loads for one in self.rounds
        )

    @property
    def longest(self) -> tuple[float, float]:
        """Seconds to the first word of whoever waited longest, by fcfs and ours."""
        return max(one.fcfs.longest.to_first for one in self.rounds), max(
            one.ours.longest.to_first for one in self.rounds
        )

    @property
    def urgent(self) -> tuple[float, float, float]:
        """Mean seconds to the first word of the urgent: by fcfs, ours, and alone."""
        return (
            mean([call for one in self.rounds for call in one.fcfs.urgent]),
            mean([call for one in self.rounds for call in one.ours.urgent]),
            mean([call for one in self.rounds for call in one.idle]),
        )

    def each(self, of: Callable[[Round], float]) -> list[float]:
        return [of(one) for one in self.rounds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="days and bursts to live through")
    parser.add_argument("--trace", action="store_true", help="every load and unload of ours")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    bursts = Total([lived(work.burst(seed)) for seed in range(options.seeds)])
    days = Total([lived(work.day(seed)) for seed in range(options.seeds)])
    found = figures(bursts, days)
    if options.trace:
        trace(bursts)
        trace(days)
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))
        return
    table(bursts, days, found)


def lived(jobs: Sequence[Job]) -> Round:
    ours = play(jobs, house)
    return Round(jobs, play(jobs, straight), ours, [alone(call, house) for call in ours.urgent])


def figures(bursts: Total, days: Total) -> dict[str, float]:
    """The three that are promised are of the worse kind of work, where both have them."""
    both = Total([*bursts.rounds, *days.rounds])
    fcfs, ours, idle = both.urgent
    makespan = bursts.each(lambda one: one.ours.makespan / of_burst(one.jobs, MACHINE))
    return {
        "loads_vs_fcfs": max(total.loads[1] / total.loads[0] for total in (bursts, days)),
        "makespan_vs_bound": sum(makespan) / len(makespan),
        "p0_wait_vs_idle": ours / idle,
        "burst_loads_vs_fcfs": bursts.loads[1] / bursts.loads[0],
        "day_loads_vs_fcfs": days.loads[1] / days.loads[0],
        "makespan_vs_bound_worst": max(makespan),
        "makespan_vs_fcfs": mean_ratio(bursts, lambda one: one.ours.makespan / one.fcfs.makespan),
        "day_delay_vs_bound": mean_ratio(
            days, lambda one: one.ours.delay(one.jobs) / delays(one.jobs, MACHINE)
        ),
        "day_delay_vs_fcfs": mean_ratio(
            days, lambda one: one.ours.delay(one.jobs) / one.fcfs.delay(one.jobs)
        ),
        "p0_wait_vs_idle_worst": max(both.each(lambda one: one.slowest)),
        "p0_wait_vs_fcfs": ours / fcfs,
        "burst_longest_wait_s": bursts.longest[1],
        "day_longest_wait_s": days.longest[1],
    }


def table(bursts: Total, days: Total, found: dict[str, float]) -> None:
    print(f"{len(bursts.rounds)} bursts of 120 calls and days of 60 tasks; means, and worst waits")
    print(f"{'':24}{'loads':>8}{'makespan':>10}{'delays':>9}{'longest':>9}{'P0':>8}")
    for name, total, bound in (("burst", bursts, makespan_bound), ("day", days, delay_bound)):
        fcfs, ours, idle = total.urgent
        for place, (way, urgent) in enumerate((("straight", fcfs), ("house", ours))):
            rounds = [one.ours if place else one.fcfs for one in total.rounds]
            ends = mean_of([one.makespan for one in rounds])
            pairs = zip(rounds, total.rounds, strict=True)
            late = mean_of([played.delay(one.jobs) for played, one in pairs])
            loads, longest = total.loads[place] / len(rounds), total.longest[place]
            waits = f"{late:9.0f}{longest:9.1f}{urgent:8.2f}"
            print(f"{name + ', ' + way:24}{loads:8.1f}{ends:10.0f}{waits}")
        print(f"{name + ', bound':24}{'':8}{bound(total)}{'':9}{idle:8.2f}")
    print("seconds; delays: from coming to the end, of all jobs; longest, P0: to the first word")
    for promised, aim in TARGETS.items():
        print(f"{promised} {found[promised]:.3f} (target: at most {aim})")
    print(f"p0_wait_vs_idle_worst {found['p0_wait_vs_idle_worst']:.2f}, of one call")


def makespan_bound(total: Total) -> str:
    seconds = mean_of(total.each(lambda one: of_burst(one.jobs, MACHINE)))
    return f"{seconds:10.0f}{'':9}"


def delay_bound(total: Total) -> str:
    return f"{'':10}{mean_of(total.each(lambda one: delays(one.jobs, MACHINE))):9.0f}"


def trace(total: Total) -> None:
    for number, one in enumerate(total.rounds):
        for line, at in zip(one.ours.journal, one.ours.times, strict=True):
            print(f"{number} {at:10.1f} {line}", file=sys.stderr)
        for call, lonely in zip(one.ours.urgent, one.idle, strict=True):
            ratio = f"{call.to_first:.1f} s against {lonely.to_first:.1f} s alone"
            print(f"{number} {call.asked:10.1f} P0 {call.job.model.name}: {ratio}", file=sys.stderr)


def mean(calls: Sequence[Told]) -> float:
    return mean_of([call.to_first for call in calls])


def mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def mean_ratio(total: Total, of: Callable[[Round], float]) -> float:
    return mean_of(total.each(of))


if __name__ == "__main__":
    main()
