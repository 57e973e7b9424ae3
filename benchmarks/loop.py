"""What a step of a session costs, against a loop written by hand on the `ollama` client.

    python benchmarks/loop.py [--json] [--rounds N] [--profile]

Both run the same 50 steps (the model asks for a trivial tool, the tool answers) against the
same double of the Ollama server in a process of its own, over real HTTP. The hand loop is
the least that works: `AsyncClient.chat`, call the function, append. Ours is all that a session
does: checked arguments, budgets, breaker, deadline, typed steps, the transcript on disk, and a
speaker to whom nobody listens.
The two take turns, and the median of the rounds' ratios counts, since machines are noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, cast

import ollama
from pydantic import Field

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for the double

from harness.bus.port import Bus, Task
from harness.clock import SystemClock
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.permission.places import Places
from harness.permission.policy import Policy
from harness.permission.taint import Taint
from harness.services.live import Live
from harness.session.brief import Brief, Limits
from harness.session.loop import Session
from harness.session.steps import Reason, Step
from harness.session.transcript import Header, Transcript, record
from harness.text.secrets import Redactor
from harness.text.veil import Unsecret
from harness.tools.context import ToolContext
from harness.tools.gate import Gate
from harness.tools.tool import tool
from harness.tools.toolbox import Toolbox
from tests.doubles.ollama import Answer, OllamaDouble, call

STEPS = 50
ROUNDS = 15
TARGET = 1.3
MODEL = "qwen3:8b"
NUM_CTX = 131_072  # nothing is compacted here: the hand loop cannot
SYSTEM = "You are a patient counter. Call the tool until it is enough, then say so. " * 20
TASK = "Count."
CLOCK = SystemClock()


@dataclass(frozen=True)
class Round:
    """Seconds of one loop: by the wall, and of this process's processor."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Figures:
    """Medians over rounds, in milliseconds a step."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Figures:
        return cls(
            statistics.median(one.wall for one in rounds) / STEPS * 1000,
            statistics.median(one.cpu for one in rounds) / STEPS * 1000,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--profile", action="store_true", help="where the time of ours goes")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    rounds = asyncio.run(measure(options.rounds, profile=options.profile))
    ratio = statistics.median(ours.wall / hand.wall for hand, ours in rounds)
    hand, ours = Figures.of([pair[0] for pair in rounds]), Figures.of([pair[1] for pair in rounds])
    if options.json:
        figures = {
            "step_vs_ollama_client": ratio,
            "step_ms": ours.wall,
            "ollama_client_step_ms": hand.wall,
            "step_cpu_ms": ours.cpu,
            "ollama_client_step_cpu_ms": hand.cpu,
        }
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return
    print(f"{len(rounds)} rounds of {STEPS} steps, medians")
    print(f"{'':28}{'ms/step':>10}{'CPU ms/step':>14}")
    for name, figure in (("ollama AsyncClient, by hand", hand), ("harness session", ours)):
        print(f"{name:28}{figure.wall:10.3f}{figure.cpu:14.3f}")
    print(f"step_vs_ollama_client {ratio:.3f} (target: at most {TARGET})")


async def measure(rounds: int, *, profile: bool) -> list[tuple[Round, Round]]:
    """For each round, the hand loop and ours; which one goes first alternates."""
    async with server() as url:
        with tempfile.TemporaryDirectory(prefix="bench-loop-") as folder:
            client = ollama.AsyncClient(host=url, trust_env=False)
            model = OllamaModel(Pool([OllamaHost(url)]), MODEL, clock=CLOCK, num_ctx=NUM_CTX)

            async def one_of_ours() -> None:
                await run_session(model, Path(folder))

            async def one_by_hand() -> None:
                await run_by_hand(client)

            await one_by_hand()  # connections and imports are not what is measured
            await one_of_ours()
            if profile:
                await print_profile(one_of_ours)
            pairs = []
            for number in range(rounds):
                if number % 2:
                    by_hand, ours = await timed(one_by_hand), await timed(one_of_ours)
                else:
                    ours, by_hand = await timed(one_of_ours), await timed(one_by_hand)
                pairs.append((by_hand, ours))
            await model.aclose()
            await client.close()  # type: ignore[no-untyped-call]
    return pairs


async def run_by_hand(client: ollama.AsyncClient) -> None:
    """What anybody would write in ten minutes."""
    described = {
        "type": "function",
        "function": {
            "name": tick.spec.name,
            "description": tick.spec.description,
            "parameters": tick.spec.parameters,
        },
    }
    messages: list[Any] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": TASK},
    ]
    for _ in range(STEPS + 1):
        response = await client.chat(
            MODEL, messages=messages, tools=[described], options={"num_ctx": NUM_CTX}
        )
        messages.append(response.message)
        if not response.message.tool_calls:
            return
        for asked in response.message.tool_calls:
            text = str(await tick.function(None, **asked.function.arguments))
            messages.append({"role": "tool", "tool_name": asked.function.name, "content": text})
    raise AssertionError("the double never came to an end")


async def run_session(model: OllamaModel, folder: Path) -> None:
    """The same as a session, recorded."""
    limits = Limits(max_turns=STEPS + 1, tokens=10**9)
    brief = Brief("bench", "counter", SYSTEM, TASK, limits=limits)
    header = Header(brief.task, brief.agent, brief.attempt, model.name)
    taint, policy = Taint(), Policy(Places("counter"))
    context = cast(ToolContext, SimpleNamespace(clock=CLOCK, spill=folder, taint=taint))
    # the bus and the task are only needed where a person is asked
    gate = Gate(policy, taint, cast(Bus, None), cast(Task, None), CLOCK)
    redactor = Redactor()
    speaker = Live().speaker(brief.task, brief.attempt, redactor, lambda: Unsecret(redactor))

    async def heard(step: Step) -> None:
        speaker.step(step)

    with speaker, Transcript(folder, header, CLOCK) as transcript:
        toolbox = Toolbox([tick], context, gate)
        session = Session(brief, model, toolbox, CLOCK, on_delta=speaker.hear)
        ended = await record(session, transcript, heard)
    assert ended.reason is Reason.COMPLETED, ended
    assert ended.result.steps == 2 * STEPS + 1, ended


@tool()
async def tick(
    ctx: ToolContext,
    number: Annotated[int, Field(description="Where the count stands.")],
) -> str:
    """Count one further and say where the count stands."""
    return f"the count stands at {number}"


async def timed(run: Callable[[], Awaitable[None]]) -> Round:
    wall, cpu = time.perf_counter(), time.process_time()
    await run()
    return Round(time.perf_counter() - wall, time.process_time() - cpu)


async def print_profile(run: Callable[[], Awaitable[None]]) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    await run()
    profiler.disable()
    pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(30)


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """The double of Ollama in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def serve() -> None:
    async with OllamaDouble([MODEL], answers=count) as double:
        print(double.url, flush=True)
        await asyncio.Event().wait()


def count(body: Mapping[str, Any]) -> Answer:
    """Ask for the tool until it answered often enough."""
    answered = sum(message["role"] == "tool" for message in body["messages"])
    if answered >= STEPS:
        return Answer("That is enough.")
    return Answer(calls=[call("tick", number=answered + 1)])


if __name__ == "__main__":
    main()
