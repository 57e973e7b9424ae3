"""How much of each prompt is the prompt before it: what a model server need not read again.

    python benchmarks/prefix.py [--json] [--turns N]

A daemon of the sample crew on a temporary home, and a double of the Ollama server over real HTTP
that asks for a tool in each turn. What counts is what arrived there: the messages of each call as
the server would render them, after the same tools.

    kept     share of the previous prompt with which the next one begins, unchanged
    reused   share of the next prompt that this makes: the rest is new and has to be read
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the double

from harness.app import App
from harness.bus.port import Outcome, Request, State, Task
from harness.cli.sample import copy_sample
from harness.config.home import Home
from tests.doubles.ollama import Answer, OllamaDouble, call

TURNS = 20
TARGET = 0.95
AGENT = "zoe"
ASKED = "Look through what the crew knows, page by page and note by note, and say what is open."
WORDS = (
    "digest",
    "gold",
    "rates",
    "water",
    "draft",
    "source",
    "review",
    "calendar",
    "risk",
    "post",
)


@dataclass(frozen=True)
class Shared:
    """Two prompts in a row, in bytes."""

    before: int
    after: int
    common: int

    @property
    def kept(self) -> float:
        return self.common / self.before

    @property
    def reused(self) -> float:
        return self.common / self.after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    pairs = asyncio.run(measure(options.turns))
    figures = {
        "kept_least": min(pair.kept for pair in pairs),
        "reused_mean": statistics.mean(pair.reused for pair in pairs),
        "reused_least": min(pair.reused for pair in pairs),
        "prompt_bytes_first": pairs[0].before,
        "prompt_bytes_last": pairs[-1].after,
    }
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return
    print(f"{'turn':>4}{'bytes':>10}{'kept':>9}{'reused':>9}")
    for turn, pair in enumerate(pairs, start=2):
        print(f"{turn:4}{pair.after:10,}{pair.kept:9.3f}{pair.reused:9.3f}")
    least, mean = figures["kept_least"], figures["reused_mean"]
    print(f"kept {least:.3f} at least (target: {TARGET}); reused {mean:.3f} on average")


async def measure(turns: int) -> list[Shared]:
    """One session of that many turns; each pair of prompts in a row."""
    with tempfile.TemporaryDirectory(prefix="bench-prefix-") as folder:
        home = Home(Path(folder) / "home")
        copy_sample(home.root)
        profile = home.agent(AGENT) / "SOUL.md"
        profile.write_text(re.sub("max_turns: .*", f"max_turns: {turns + 1}", profile.read_text()))
        async with OllamaDouble(["qwen3:8b"], answers=lambda body: answer(body, turns)) as double:
            await run_session(home, double.url)
            chats = [chat for chat in double.chats if chat.get("tools")]
    prompts = [rendered(chat) for chat in chats]
    assert len(prompts) == turns, f"{len(prompts)} turns instead of {turns}"
    return [shared(*pair) for pair in itertools.pairwise(prompts)]


async def run_session(home: Home, url: str) -> None:
    app = App.open(home, environment={**os.environ, "OLLAMA_HOST": url})
    stop = asyncio.Event()
    serving = asyncio.create_task(app.supervisor().run(stop))
    try:
        await app.ready()
        asked = await app.bus.request(Request(agent=AGENT, prompt=ASKED))
        over = await ended(app, asked.id)
        assert over.outcome is Outcome.DONE, over
    finally:
        stop.set()
        await serving
        await app.aclose()


async def ended(app: App, task: str) -> Task:
    while (now := await app.bus.get(task)).state is not State.FINAL:
        await app.bus.wait(1.0)
    return now


def answer(body: Mapping[str, Any], turns: int) -> Answer:
    """Ask for another file until it is enough."""
    read = sum(message["role"] == "tool" for message in body["messages"])
    if read >= turns - 1:
        return Answer("That is the crew.")
    if read % 2:
        wanted = {"action": "search", "query": f"{WORDS[read % len(WORDS)]} {read}"}
        return Answer("The notes now.", calls=[call("memory", **wanted)])
    note = f"{read}: nothing new. " * 20
    return Answer("I write it down.", calls=[call("memory", action="append", text=note)])


def rendered(chat: Mapping[str, Any]) -> bytes:
    """The prompt as a template would write it: tools first, then message after message."""
    parts: Sequence[Any] = [chat.get("tools"), *chat["messages"]]
    return "\n".join(json.dumps(part, sort_keys=True) for part in parts).encode()


def shared(before: bytes, after: bytes) -> Shared:
    differs = (
        place for place, (old, new) in enumerate(zip(before, after, strict=False)) if old != new
    )
    common = next(differs, min(len(before), len(after)))
    return Shared(len(before), len(after), common)


if __name__ == "__main__":
    main()
