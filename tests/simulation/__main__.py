"""`python -m tests.simulation --seeds 2000`: many seeds on all cores; exit code 1 on a fault.

`--seed N` runs one again and shows where it broke.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.run import Report, simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    wish = parser.parse_args()
    if wish.seed is not None:
        print(simulate(wish.seed))
        return 0
    began = time.monotonic()
    outcomes = list(every(range(wish.first, wish.first + wish.seeds)))
    faults = [outcome for outcome in outcomes if isinstance(outcome, str)]
    reports = [outcome for outcome in outcomes if isinstance(outcome, Report)]
    for fault in faults[:10]:
        print(fault)
    print(
        f"{len(outcomes)} seeds, {len(faults)} broken: {sum(r.crashes for r in reports)} crashes,"
        f" {sum(r.tasks for r in reports)} tasks, {sum(r.slots for r in reports)} slots,"
        f" {sum(r.recoveries for r in reports)} recoveries, {time.monotonic() - began:.0f} s"
    )
    return 1 if faults else 0


def every(seeds: range) -> Iterator[Report | str]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(attempt, seeds, chunksize=20)


def attempt(seed: int) -> Report | str:
    try:
        return simulate(seed)
    except Exception as fault:
        return f"seed {seed}: {type(fault).__name__}: {str(fault)[:500]}"


if __name__ == "__main__":
    sys.exit(main())
