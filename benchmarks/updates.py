"""Whether a newer note comes before the older one that it makes untrue, and the older is marked.

    python benchmarks/updates.py [--json] [--each N] [--wrong]

Every case is a home of its own with real files: the older and the newer note in daily logs of two
agents' days, among distractors; the question goes through the real index. `plain` is the same index
in the same run without the rule. Half of the cases are made from templates that the rule was tuned
on, half from others (benchmarks/update_cases.py).

    newer_first   of the pairs that are updates: the newer ranks before the older, both among ten
    older_marked  of these pairs: the older names the newer as what superseded it
    false_marks   of the pairs that only look like updates: one of the two is marked
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

from update_cases import Case, cases, values

from harness.clock import SystemClock
from harness.config.home import Home
from harness.memory.search.index import Index
from harness.memory.search.units import Hit

AGENT = "scout"
BATCH = 12  # cases that share a home: each is a distractor of the others
FIRST = date(2026, 1, 1)
K = 10
NOISE = (
    "Read {n1} headlines, nothing new about {tool1}.",
    "The digest of {day1} went out with {k1} items.",
    "{firm1} and {firm2} published results.",
    "Rain in {city1}, sun in {city2}.",
)


@dataclass(frozen=True)
class Verdict:
    """What came of one case."""

    case: Case
    newer_first: bool
    marked: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--each", type=int, default=5, help="cases of every template")
    parser.add_argument("--wrong", action="store_true", help="the cases that went wrong")
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for seed, name in enumerate(("tuned", "held"), start=1):
        made = list(cases(name, options.each, seed))
        with_rule = list(judged(made))
        without = list(judged(made, plain=True))
        figures[name] = shares(with_rule)
        figures[f"{name} plain"] = shares(without)
        if options.wrong:
            show_wrong(name, with_rule)
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures)


def judged(rounds: Sequence[Sequence[Case]], *, plain: bool = False) -> Iterator[Verdict]:
    source = random.Random(3)
    for made in rounds:
        for start in range(0, len(made), BATCH):
            yield from judged_together(made[start : start + BATCH], source, plain=plain)


def judged_together(
    batch: Sequence[Case], source: random.Random, *, plain: bool
) -> Iterator[Verdict]:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        write(home, batch, source)
        index = Index(home, SystemClock())
        index.sync()
        for case in batch:
            yield verdict(case, asked(index, case, plain=plain))
        index.close()


def asked(index: Index, case: Case, *, plain: bool) -> list[Hit]:
    without = patch("harness.memory.search.index.told", lambda hits, today: list(hits))
    with without if plain else nullcontext():
        return index.search(case.ask, agent=AGENT, k=K)


def write(home: Home, batch: Sequence[Case], source: random.Random) -> None:
    """The older notes in January, the newer in February, with noise on every day."""
    folder = home.memory(AGENT)
    folder.mkdir(parents=True)
    for number, case in enumerate(batch):
        write_day(folder, FIRST + timedelta(number), case.old, source)
        write_day(folder, FIRST + timedelta(31 + number), case.new, source)


def write_day(folder: Path, day: date, text: str, source: random.Random) -> None:
    noise = [line.format_map(values(source)) for line in NOISE]
    lines = [f"- 0{row}:15Z {line}" for row, line in enumerate([*noise[:2], text, *noise[2:]])]
    (folder / f"{day}.md").write_text("\n".join([f"# {day}", "", *lines, ""]))


def verdict(case: Case, hits: Sequence[Hit]) -> Verdict:
    old, new = (place_of(text, hits) for text in (case.old, case.new))
    if not case.update:
        both = [hits[place] for place in (old, new) if place is not None]
        marked = any(hit.superseded_by == where(other) for hit in both for other in both)
        return Verdict(case, newer_first=False, marked=marked)
    if new is None:
        return Verdict(case, newer_first=False, marked=False)
    marked = old is not None and hits[old].superseded_by == where(hits[new])
    return Verdict(case, newer_first=old is None or new < old, marked=marked)


def place_of(text: str, hits: Sequence[Hit]) -> int | None:
    return next((place for place, hit in enumerate(hits) if hit.unit.text.endswith(text)), None)


def where(hit: Hit) -> str:
    return f"{hit.unit.path}:{hit.unit.line}"


def shares(verdicts: Sequence[Verdict]) -> dict[str, float]:
    updates = [each for each in verdicts if each.case.update]
    others = [each for each in verdicts if not each.case.update]
    return {
        "cases": len(verdicts),
        "newer_first": sum(each.newer_first for each in updates) / len(updates),
        "older_marked": sum(each.marked for each in updates) / len(updates),
        "false_marks": sum(each.marked for each in others) / len(others),
    }


def show_wrong(name: str, verdicts: Sequence[Verdict]) -> None:
    for each in verdicts:
        case = each.case
        if case.update and not (each.newer_first and each.marked):
            print(
                f"{name}: missed (first {each.newer_first}): {case.old} | {case.new} | {case.ask}"
            )
        if not case.update and each.marked:
            print(f"{name}: false: {case.old} | {case.new}")


def show(figures: dict[str, dict[str, float]]) -> None:
    print(f"{'':14}{'cases':>8}{'newer_first':>14}{'older_marked':>14}{'false_marks':>14}")
    for name, row in figures.items():
        told = "".join(
            f"{row[key]:14.3f}" for key in ("newer_first", "older_marked", "false_marks")
        )
        print(f"{name:14}{row['cases']:8.0f}{told}")


if __name__ == "__main__":
    main()
