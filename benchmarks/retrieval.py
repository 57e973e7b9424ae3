"""Stores dialogues as daily logs and answers questions about them from the index.

`python benchmarks/retrieval.py` speaks one JSON object per line, in and out, so that any tool
which measures retrieval can drive it:

    {"op": "add", "documents": [{"id", "text", "date", "source"}, ...]}  ->  {"ok": true}
    {"op": "search", "query": "...", "k": 10}                           ->  {"ids": [...]}
    {"op": "close"}

A document is one list item of the log of its day, as the tool `memory` writes it; documents come
in the order of time. Everything lies in the folder that BENCH_DIR names, or in a scratch one.
`--without NAME ...` leaves signals out, to see what each of them brings.
Our figures are of the LoCoMo dialogues (CC BY-NC, not part of this project): docs/search.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.clock import SystemClock
from harness.config.home import Home
from harness.memory.search.index import Index
from harness.memory.search.rank import Weights

AGENT = "scribe"


class Desk:
    """One home with one dialogue."""

    def __init__(self, folder: Path, weights: Weights) -> None:
        self.home = Home(folder)
        self.index = Index(self.home, SystemClock(), weights)
        self.ids: dict[str, str] = {}  # path:line of each document

    def add(self, documents: list[dict[str, str]]) -> None:
        days: dict[str, list[dict[str, str]]] = defaultdict(list)
        for document in documents:
            days[document["date"][:10]].append(document)
        folder = self.home.memory(AGENT)
        folder.mkdir(parents=True, exist_ok=True)
        for day, told in days.items():
            lines = list(self.log(day, told))
            (folder / f"{day}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.index.sync()

    def log(self, day: str, documents: list[dict[str, str]]) -> Iterator[str]:
        """The lines of a daily log, with a heading for each source."""
        source, number = "", 2
        yield f"# {day}"
        yield ""
        for document in documents:
            if document["source"] != source:
                source = document["source"]
                number += 2
                yield from (f"## {source.rpartition('/')[2]}", "")
            number += 1
            self.ids[f"memory/{AGENT}/{day}.md:{number}"] = document["id"]
            time = datetime.fromisoformat(document["date"])
            yield f"- {time:%H:%M}Z {' '.join(document['text'].split())}"

    def search(self, query: str, k: int) -> list[str]:
        hits = self.index.search(query, agent=AGENT, k=k)
        return [self.ids[f"{hit.unit.path}:{hit.unit.line}"] for hit in hits]


def answer(desk: Desk, order: dict[str, Any]) -> dict[str, Any]:
    match order["op"]:
        case "add":
            desk.add(order["documents"])
            return {"ok": True}
        case "search":
            return {"ids": desk.search(order["query"], order["k"])}
        case other:
            return {"error": f"no such op: {other}; there are add, search and close"}


def main() -> None:
    names = [each.name for each in fields(Weights)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without", nargs="*", default=[], choices=names, help="signals left out")
    left_out: dict[str, Any] = dict.fromkeys(parser.parse_args().without, 0.0)
    weights = replace(Weights(), **left_out)
    with tempfile.TemporaryDirectory(prefix="retrieval-") as scratch:
        desk = Desk(Path(os.environ.get("BENCH_DIR", scratch)), weights)
        for line in sys.stdin:
            order = json.loads(line)
            if order["op"] == "close":
                return
            print(json.dumps(answer(desk, order), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
