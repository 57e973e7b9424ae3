"""The double of the Ollama server, run alone: `python -m tests.doubles.ollama_server`.

It echoes what it is asked, or says in turn what the lines of `--script FILE` say, and then
begins again.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.doubles.ollama import Answer, Fault, OllamaDouble, Rules, Weights, call
from tests.doubles.ollama.double import Answers, echo

__all__ = ["Answer", "Fault", "OllamaDouble", "Rules", "Weights", "call"]


async def serve(port: int, models: Sequence[str], load_seconds: float, answers: Answers) -> None:
    """Run until cancelled."""
    weights = [Weights(name, load_seconds=load_seconds) for name in models]
    async with OllamaDouble(weights, port=port, answers=answers) as double:
        print(f"a double of Ollama listens at {double.url} with {', '.join(double.weights)}")
        await asyncio.Event().wait()


def scripted(lines: Sequence[str]) -> Answers:
    """Each line in turn, for ever."""
    turns = itertools.cycle(lines)

    def answer(_: Mapping[str, Any]) -> Answer:
        return Answer(next(turns))

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--model", action="append", help="may be given several times")
    parser.add_argument("--load-seconds", type=float, default=0.0)
    parser.add_argument("--script", type=Path, help="a text file, one answer per line")
    given = parser.parse_args()
    answers = scripted(given.script.read_text().splitlines()) if given.script else echo
    models = given.model or ["qwen3:8b"]
    try:
        asyncio.run(serve(given.port, models, given.load_seconds, answers))
    except KeyboardInterrupt:
        print("bye")


if __name__ == "__main__":
    main()
