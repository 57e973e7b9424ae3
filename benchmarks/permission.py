"""What it costs to be careful with a call: `python benchmarks/permission.py [--json]`.

`pipeline_ms` is all that a call goes through besides the tool itself: the same tool is called
through a toolbox and by itself, in turns, and the difference counts. The toolbox has the rules of
a home, a session that has read a stranger's page, and an audit on the disk.

`shell_parse_ms` is the time from a text to what is known of its commands: parsed by three readers
that must agree, and every command studied anew, since no two texts of a model are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Annotated, Any, cast

from pydantic import Field

from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.bus.port import Bus, Task
from harness.clock import Clock, SystemClock
from harness.config.home import Home
from harness.config.rules import Rules, parse_rule
from harness.models.port import ToolCall
from harness.network.web import Web
from harness.permission.action import Action, Trait
from harness.permission.commands import study
from harness.permission.places import Places
from harness.permission.policy import Policy
from harness.permission.shell import parse
from harness.permission.taint import Taint
from harness.rooted import Root
from harness.services.auditor import CallRecords
from harness.text.secrets import Redactor
from harness.tools.context import ToolContext
from harness.tools.gate import Gate
from harness.tools.tool import Output, tool
from harness.tools.toolbox import Toolbox

ROUNDS = 2_000
CALLS = 1_000
KNOWN = [f"https://host-{number}.test/page" for number in range(100)]  # no host is asked often
PAGE = "The lighthouse at Roter Sand was sold to Ada for 1 299 000 euros on 2026-01-05.\n" * 13
ALLOWED = ("web_fetch(domain:arxiv.org)", "write(shared-context/**)", "run(git status:*)", "learn")
DENIED = ("run(git push origin main)", "web_fetch(domain:ads.test)", "write(shared-context/x.md)")
TYPICAL = "git log --oneline -20 | grep -v 'Merge branch' | sort -k 2 && wc -l src/*.py 2>/dev/null"
LONGEST = "; ".join(["grep -rn 'def [a-z]*' src tests --include=*.py | sort | uniq -c | head"] * 12)


@dataclass(frozen=True)
class Figure:
    """One line of the table, and one key of the JSON."""

    name: str
    value: float
    target: str
    words: str


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    return replace(action, urls=(arguments.url,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    figures = [*asyncio.run(time_pipeline()), *time_shell()]
    if options.json:
        print(json.dumps({figure.name: round(figure.value, 4) for figure in figures}))
        return
    for figure in figures:
        print(f"{figure.name:28}{figure.value:12.3f}  {figure.target:8}{figure.words}")


@tool(traits={Trait.READS_UNTRUSTED, Trait.SENDS_OUT}, plan=foreseen)
async def look(
    ctx: ToolContext, url: Annotated[str, Field(description="An address.")], times: int = 1
) -> Output:
    """Give a page of text, from nowhere."""
    return Output(PAGE * times, source=url)


async def time_pipeline() -> list[Figure]:
    """Milliseconds of one call besides its tool, medians of many; results of 1 KB and 20 KB."""
    with TemporaryDirectory() as folder:
        clock = SystemClock()
        book = AuditBook(AuditLog(Path(folder) / "audit", Redactor()), clock)
        box = box_of(Path(folder), clock, book)
        small, large = await besides(box, times=1), await besides(box, times=20)
        await book.aclose()
    return [
        Figure("pipeline_ms", small, "< 0.3", "a call with a result of 1 KB"),
        Figure("pipeline_large_ms", large, "", "a call with a result of 20 KB"),
    ]


async def besides(box: Toolbox, times: int) -> float:
    """What a call costs besides the tool: both ways are taken in turns."""
    costs = []
    for number in range(CALLS):
        arguments = {"url": KNOWN[number % len(KNOWN)], "times": times}
        begun = time.perf_counter()
        result = await box.call(ToolCall(f"c{number}", "look", arguments))
        between = time.perf_counter()
        await look(box.context, look.validate(arguments))
        costs.append(between - begun - (time.perf_counter() - between))
        assert result.ok, result.text
    return statistics.median(costs) * 1000


def box_of(folder: Path, clock: Clock, book: AuditBook) -> Toolbox:
    places, taint = Places("bench"), Taint()
    taint.read_private(PAGE)
    taint.read_outside("a.test", " ".join(KNOWN))
    task = cast(Task, SimpleNamespace(id="01T", agent="bench", attempt=1, deadline=None))
    context = ToolContext(
        agent="bench",
        task=task,
        home=Home(folder),
        clock=clock,
        bus=cast(Bus, None),
        web=cast(Web, None),
        agents=frozenset(),
        spill=folder / "spill",
        workspace=Root(folder),
        places=places,
        taint=taint,
    )
    rules = Rules(
        allow=[parse_rule(text) for text in ALLOWED], deny=[parse_rule(text) for text in DENIED]
    )
    gate = Gate(Policy.of("default", places, [rules]), taint, context.bus, task, clock)
    return Toolbox([look], context, gate, record=CallRecords(book, task))


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
