"""How things look on a terminal, and the one JSON document that `--json` prints."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from harness.backup.swap import mend_if_interrupted
from harness.config.home import Home, find_home

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home; else HARNESS_HOME, else the nearest.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]

COLOURS = {"red": 31, "green": 32, "yellow": 33, "dim": 2, "bold": 1}
TINTS = {
    "done": "green",
    "running": "green",
    "fired": "green",
    "partial": "yellow",
    "missed": "yellow",
    "failed": "red",
    "dead": "red",
    "refused": "red",
    "expired": "red",
    "skipped": "dim",
    "cancelled": "dim",
    "silent": "dim",
}


def the_home(given: Path | None) -> Home:
    """The home that this command means. Raises NotFound."""
    named = given or os.environ.get("HARNESS_HOME")
    if named:  # a restore that was killed half way is finished before anybody misses the home
        mend_if_interrupted(Path(named).expanduser().resolve())
    return find_home(given, os.environ.get("HARNESS_HOME"), Path.cwd())


def say(text: str = "") -> None:
    """A line of the answer, on stdout."""
    typer.echo(text)


def note(text: str) -> None:
    """A line beside the answer, on stderr."""
    typer.echo(text, err=True)


def emit(document: object) -> None:
    """The one JSON document."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=plain))


def plain(value: object) -> object:
    """What json does not know: times with their offset, spans in seconds, paths as text."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def iso(moment: datetime | None) -> str | None:
    """ISO-8601 in the machine's own zone, with the offset."""
    return None if moment is None else moment.astimezone().isoformat(timespec="milliseconds")


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Left-aligned columns without borders; `empty` says why there are no rows."""
    if not rows:
        say(empty)
        return
    cells = [[str(cell) if cell is not None else "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    head = "  ".join(h.upper().ljust(w) for h, w in zip(headers, widths, strict=True))
    say(paint(head.rstrip(), "dim"))
    for row in cells:
        padded = [
            paint(cell.ljust(width), TINTS.get(cell, ""))
            for cell, width in zip(row, widths, strict=True)
        ]
        say("  ".join(padded).rstrip())


def facts(pairs: Mapping[str, object]) -> None:
    """One fact a line, the names aligned; what is None is left out."""
    known = {name: value for name, value in pairs.items() if value is not None}
    width = max(map(len, known), default=0)
    for name, value in known.items():
        say(f"{paint(name.ljust(width), 'dim')}  {value}")


def paint(text: str, colour: str) -> str:
    """Colour only on a terminal that wants it; the word always carries the meaning too."""
    if not colour or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def local(moment: datetime | None) -> str:
    """A time as the clock on the wall shows it."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, or in how long, in one unit: `3m ago`, `in 2h`."""
    if moment is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if size >= length:
            text = f"{int(size // length)}{unit}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "now"


def short(text: str, width: int = 60) -> str:
    """The first line, cut to a width."""
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first if len(first) <= width else first[: width - 1] + "…"
