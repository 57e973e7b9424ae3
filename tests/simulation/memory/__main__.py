"""`python -m tests.simulation.memory --seeds 40`: many quarters on all cores; exit code 1 on a
fault. `--seed N` runs one again and shows where it broke, else how the memory grew.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.memory.quarter import DAYS, MEASURED, Story, simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int)
    wish = parser.parse_args()
    if wish.seed is not None:
        print(simulate(wish.seed, wish.days))
        return 0
    began = time.monotonic()
    seeds = range(wish.first, wish.first + wish.seeds)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(attempt, seeds, [wish.days] * len(seeds)))
    faults = [outcome for outcome in outcomes if isinstance(outcome, str)]
    stories = [outcome for outcome in outcomes if isinstance(outcome, Story)]
    for fault in faults[:10]:
        print(fault)
    print(
        f"{len(outcomes)} quarters, {len(faults)} broken:"
        f" {sum(s.crashes for s in stories)} crashes, {sum(s.mistakes for s in stories)} mistakes,"
        f" {sum(s.rules for s in stories)} rules, {time.monotonic() - began:.0f} s"
    )
    tell_sizes(stories)
    return 1 if faults else 0


def tell_sizes(stories: list[Story]) -> None:
    """How the memory grew, on the average of all quarters."""
    for day in MEASURED:
        found = [size for story in stories for size in story.sizes if size.day == day]
        if found:
            memory = sum(size.memory for size in found) // len(found)
            prompt = sum(size.prompt for size in found) // len(found)
            print(f"day {day:2}: {memory:7,} bytes of memory, {prompt:5,} tokens of prompts")


def attempt(seed: int, days: int) -> Story | str:
    try:
        return simulate(seed, days)
    except Exception as fault:
        return f"seed {seed}: {type(fault).__name__}: {str(fault)[:500]}"


if __name__ == "__main__":
    sys.exit(main())
