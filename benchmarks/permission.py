"""What it costs to judge a command: `python benchmarks/permission.py [--json]`.

`shell_parse_ms` is the time from a text to what is known of its commands: parsed by three readers
that must agree, and every command studied anew, since no two texts of a model are the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass

from harness.permission.commands import study
from harness.permission.shell import parse

ROUNDS = 2_000
TYPICAL = "git log --oneline -20 | grep -v 'Merge branch' | sort -k 2 && wc -l src/*.py 2>/dev/null"
LONGEST = "; ".join(["grep -rn 'def [a-z]*' src tests --include=*.py | sort | uniq -c | head"] * 12)


@dataclass(frozen=True)
class Figure:
    """One line of the table, and one key of the JSON."""

    name: str
    value: float
    target: str
    words: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    figures = time_shell()
    if options.json:
        print(json.dumps({figure.name: round(figure.value, 4) for figure in figures}))
        return
    for figure in figures:
        print(f"{figure.name:28}{figure.value:12.3f}  {figure.target:8}{figure.words}")


def time_shell() -> list[Figure]:
    """Milliseconds to parse and study a text, medians of many rounds."""
    return [
        Figure("shell_parse_ms", parse_and_study(TYPICAL), "< 1", "a pipeline of four commands"),
        Figure("shell_parse_longest_ms", parse_and_study(LONGEST), "", "one of 48 commands"),
    ]


def parse_and_study(text: str) -> float:
    times = []
    for _ in range(ROUNDS):
        study.cache_clear()
        begun = time.perf_counter()
        for command in parse(text).commands:
            study(command)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
