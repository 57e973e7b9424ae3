"""`python -m tests.simulation.pool --seeds 6 --days 2`: days of a daemon; exit code 1 on a fault.

`--seed N` lives through one again. With `--steady` the daemon is neither stopped nor killed, and
what it holds on the last evening is compared with the first.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.pool.figures import Figures
from tests.simulation.pool.run import lived
from tests.simulation.pool.verdict import Verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--clusters", type=int, default=99, help="of a day, the most")
    parser.add_argument("--steady", action="store_true")
    wish = parser.parse_args()
    began, one = time.monotonic(), wish.seed is not None
    seeds = range(wish.seed, wish.seed + 1) if one else range(wish.first, wish.first + wish.seeds)
    live = partial(attempt, days=wish.days, clusters=wish.clusters, steady=wish.steady)
    workers = min(os.cpu_count() or 1, len(seeds))
    with ProcessPoolExecutor(workers) as pool:
        faults = sum(
            told(seed, found) for seed, found in zip(seeds, pool.map(live, seeds), strict=True)
        )
    print(f"{len(seeds)} seeds, {faults} broken, {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


def attempt(seed: int, days: int, clusters: int, steady: bool) -> Figures | str:
    try:
        with lived(seed, days, clusters, steady=steady) as story:
            return Verdict(story).judge()
    except AssertionError as fault:
        return str(fault)
    except Exception:
        return traceback.format_exc()


def told(seed: int, found: Figures | str) -> bool:
    """Say what came of a seed; whether it broke."""
    print(f"seed {seed}: {found if isinstance(found, str) else found.text}", flush=True)
    return isinstance(found, str)


if __name__ == "__main__":
    sys.exit(main())
