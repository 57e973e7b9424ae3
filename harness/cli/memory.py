"""`harness memory`: what the crew knows, as far as its files say it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any

import typer

from harness.cli.learnings import learnings
from harness.cli.longterm import changes, show, why
from harness.cli.output import (
    HomeOption,
    JsonOption,
    clean,
    emit,
    facts,
    paint,
    say,
    short,
    the_home,
)
from harness.cli.proposed import proposals
from harness.cli.remembering import check_agent, now_in
from harness.clock import SystemClock
from harness.config.home import Home
from harness.memory.search.index import Index, Synced
from harness.memory.search.units import Hit

app = typer.Typer(no_args_is_help=True, help="What the crew has learned, and how to find it.")
for command in (show, learnings, why, changes, proposals):
    app.command()(command)

WIDTH = 160  # characters of a hit on a terminal; --json has all


@app.command()
def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words, names, dates.")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="As this agent: its own memory and the shared.")
    ] = None,
    count: Annotated[int, typer.Option("-k", min=1, max=1000, help="At most so many hits.")] = 10,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find notes, lessons, shared pages and skills; the best first."""
    place = the_home(home)
    if agent is not None:
        check_agent(place, agent)
    with open_index(place) as index:
        index.sync()
        hits = index.search(query, agent=agent, k=count)
    if as_json:
        emit([hit_shape(hit) for hit in hits])
        return
    if not hits:
        say("nothing found")
    for hit in hits:
        show_hit(hit, now_in(place).date())


@app.command()
def rebuild(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make the index anew from the files; nothing is lost by it."""
    with open_index(the_home(home)) as index:
        made = index.rebuild()
    if as_json:
        emit(synced_shape(made))
        return
    facts({"files": made.files, "units": made.units, "took": f"{made.seconds:.1f} s"})


@contextmanager
def open_index(home: Home) -> Iterator[Index]:
    index = Index(home, SystemClock())
    try:
        yield index
    finally:
        index.close()


def show_hit(hit: Hit, today: date) -> None:
    unit = hit.unit
    is_over = unit.expires is not None and unit.expires < today
    marks = [
        unit.date and unit.date.isoformat(),
        hit.superseded_by and f"superseded by {hit.superseded_by}",
        unit.expires and f"{'held' if is_over else 'holds'} until {unit.expires}",
        unit.outside and f"after reading {', '.join(unit.outside)}",
    ]
    about = f"  ({'; '.join(mark for mark in marks if mark)})" if any(marks) else ""
    text = clean(short(" ".join(unit.text.split()), WIDTH))
    say(f"{paint(clean(f'{unit.path}:{unit.line}'), 'bold')}{paint(clean(about), 'dim')}")
    say(f"  {paint(text, 'dim' if hit.superseded_by else '')}")


def hit_shape(hit: Hit) -> dict[str, Any]:
    unit = hit.unit
    return {
        "id": hit.id,
        "agent": unit.agent,
        "kind": unit.kind,
        "path": unit.path,
        "line": unit.line,
        "text": unit.text,
        "score": round(hit.score, 4),
        "date": unit.date.isoformat() if unit.date else None,
        "superseded_by": hit.superseded_by,
        "expires": unit.expires.isoformat() if unit.expires else None,
        "outside": list(unit.outside),
    }


def synced_shape(made: Synced) -> dict[str, Any]:
    return {"files": made.files, "units": made.units, "seconds": round(made.seconds, 3)}
