"""A day of the crew and a burst on one GPU: against first come, first served, and a bound.

    python benchmarks/affinity.py [--json] [--seeds N] [--trace]

Every call goes over real HTTP to a double of the Ollama server, in virtual time: two of four models
fit into its memory, loads take seven to nine seconds and go one at a time, each model takes two
calls at a time. The same calls go straight to the server as they come (with its own queue and a
keep-alive of five minutes), and through the house. The bound is what nobody can beat who
knows everything beforehand (tests/simulation/affinity/bound.py has the proofs).

The day has sixty tasks of several calls each, with pauses for tools; the burst has 120 calls within
ten seconds, and five of a person, one in every twenty seconds. The hurry is a burst with ten of a
person at random moments, of all four models, so that some come together. Each of a person's calls
(P0) is made once more on an idle machine in the same state: that is what its wait is measured
by. Those that come together come together there, too. The days are also lived with the models of
the schedule fetched ahead; all other figures are without that.
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
from tests.simulation.affinity.play import (
    Idle,
    Played,
    Told,
    farsighted,
    house,
    idle,
    play,
    straight,
)
from tests.simulation.affinity.work import Job

SEEDS = 3
MACHINE = Machine(work.FIT, work.SERVER.parallel, work.SERVER.recover_seconds)
DAYS_OF_SEEDS = "days, bursts and hurries to live through"
TARGETS = {"loads_vs_fcfs": 0.5, "makespan_vs_bound": 1.25, "p0_wait_vs_idle": 1.1}


@dataclass(frozen=True)
class Round:
    """One load of work in both ways."""

    jobs: Sequence[Job]
    fcfs: Played
    ours: Played
    idle: Sequence[Idle]  # the urgent calls of ours, on an idle machine

    @property
    def urgent(self) -> list[tuple[Told, Idle]]:
        return list(zip(self.ours.urgent, self.idle, strict=True))


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
            mean_of([alone.seconds for one in self.rounds for alone in one.idle]),
        )

    def p0(self, *, singly: bool | None = None) -> tuple[float, float]:
        """What the urgent waited against the idle machine, all added up, and the worst of them.
        `singly`: only those that came so, or did not."""
        pairs = [
            (call.to_first, alone.seconds)
            for one in self.rounds
            for call, alone in one.urgent
            if singly is None or alone.singly is singly
        ]
        waited, alone = map(sum, zip(*pairs, strict=True))
        return waited / alone, max(here / there for here, there in pairs)

    def each(self, of: Callable[[Round], float]) -> list[float]:
        return [of(one) for one in self.rounds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=DAYS_OF_SEEDS)
    parser.add_argument("--trace", action="store_true", help="every load and unload of ours")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    bursts = Total([lived(work.burst(seed)) for seed in range(options.seeds)])
    days = Total([lived(work.day(seed)) for seed in range(options.seeds)])
    hurries = Total([lived(work.hurry(seed)) for seed in range(options.seeds)])
    found = figures(bursts, days, hurries) | foreseen(days)
    if options.trace:
        for kind in (bursts, days, hurries):
            trace(kind)
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))
        return
    table(bursts, days, hurries, found)


def lived(jobs: Sequence[Job]) -> Round:
    ours = play(jobs, house)
    return Round(jobs, play(jobs, straight), ours, idle(ours, house))


def figures(bursts: Total, days: Total, hurries: Total) -> dict[str, float]:
    """Loads are of the worst kind of work; the urgent of all three, however they came."""
    kinds = (bursts, days, hurries)
    everything = Total([one for kind in kinds for one in kind.rounds])
    fcfs, ours, _ = everything.urgent
    makespan = bursts.each(lambda one: one.ours.makespan / of_burst(one.jobs, MACHINE))
    return {
        "loads_vs_fcfs": max(kind.loads[1] / kind.loads[0] for kind in kinds),
        "makespan_vs_bound": sum(makespan) / len(makespan),
        "p0_wait_vs_idle": everything.p0()[0],
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
        "p0_singly_vs_idle": everything.p0(singly=True)[0],
        "p0_singly_vs_idle_worst": everything.p0(singly=True)[1],
        "p0_together_vs_idle": everything.p0(singly=False)[0],
        "p0_together_vs_idle_worst": everything.p0(singly=False)[1],
        "hurry_p0_wait_vs_idle": hurries.p0()[0],
        "hurry_loads_vs_fcfs": hurries.loads[1] / hurries.loads[0],
        "p0_wait_vs_fcfs": ours / fcfs,
        "burst_longest_wait_s": bursts.longest[1],
        "day_longest_wait_s": days.longest[1],
    }


def foreseen(days: Total) -> dict[str, float]:
    """The same days when the pool is told the schedule, as the daemon tells it."""
    ahead = [play(one.jobs, farsighted(one.jobs)) for one in days.rounds]
    return {
        "day_first_word_s": mean([call for one in days.rounds for call in one.ours.scheduled]),
        "prefetch_first_word_s": mean([call for played in ahead for call in played.scheduled]),
        "prefetch_loads_vs_without": sum(played.loads for played in ahead) / days.loads[1],
        "prefetch_p0_vs_without": mean([call for played in ahead for call in played.urgent])
        / days.urgent[1],
    }


def table(bursts: Total, days: Total, hurries: Total, found: dict[str, float]) -> None:
    print(f"{len(bursts.rounds)} of each: bursts and hurries of 120 calls, days of 60 tasks")
    print("means, but of the longest wait the worst")
    print(f"{'':24}{'loads':>8}{'makespan':>10}{'delays':>9}{'longest':>9}{'P0':>8}")
    for name, total, bound in (
        ("burst", bursts, makespan_bound),
        ("day", days, delay_bound),
        ("hurry", hurries, lambda _: " " * 19),
    ):
        fcfs, ours, alone = total.urgent
        for place, (way, urgent) in enumerate((("straight", fcfs), ("house", ours))):
            rounds = [one.ours if place else one.fcfs for one in total.rounds]
            ends = mean_of([one.makespan for one in rounds])
            pairs = zip(rounds, total.rounds, strict=True)
            late = mean_of([played.delay(one.jobs) for played, one in pairs])
            loads, longest = total.loads[place] / len(rounds), total.longest[place]
            waits = f"{late:9.0f}{longest:9.1f}{urgent:8.2f}"
            print(f"{name + ', ' + way:24}{loads:8.1f}{ends:10.0f}{waits}")
        print(f"{name + ', bound':24}{'':8}{bound(total)}{'':9}{alone:8.2f}")
    print("seconds; delays: from coming to the end, of all jobs; longest, P0: to the first word")
    for promised, aim in TARGETS.items():
        print(f"{promised} {found[promised]:.3f} (target: at most {aim})")
    print(
        f"first word of what is scheduled {found['day_first_word_s']:.1f} s, fetched ahead"
        f" {found['prefetch_first_word_s']:.1f} s; {found['prefetch_loads_vs_without']:.2f} loads"
    )
    for kind in ("singly", "together"):
        worst = f"worst {found[f'p0_{kind}_vs_idle_worst']:.2f}"
        print(f"P0 that come {kind}: {found[f'p0_{kind}_vs_idle']:.3f} of idle, {worst}")


def makespan_bound(total: Total) -> str:
    seconds = mean_of(total.each(lambda one: of_burst(one.jobs, MACHINE)))
    return f"{seconds:10.0f}{'':9}"


def delay_bound(total: Total) -> str:
    return f"{'':10}{mean_of(total.each(lambda one: delays(one.jobs, MACHINE))):9.0f}"


def trace(total: Total) -> None:
    for number, one in enumerate(total.rounds):
        for line, at in zip(one.ours.journal, one.ours.times, strict=True):
            print(f"{number} {at:10.1f} {line}", file=sys.stderr)
        for call, alone in one.urgent:
            ratio = f"{call.to_first:.1f} s against {alone.seconds:.1f} s alone"
            print(f"{number} {call.asked:10.1f} P0 {call.job.model.name}: {ratio}", file=sys.stderr)


def mean(calls: Sequence[Told]) -> float:
    return mean_of([call.to_first for call in calls])


def mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def mean_ratio(total: Total, of: Callable[[Round], float]) -> float:
    return mean_of(total.each(of))


if __name__ == "__main__":
    main()
