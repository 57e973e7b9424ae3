"""How things look on a terminal, and the one JSON document that `--json` prints."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from harness.backup.swap import mend_if_interrupted
from harness.config.home import Home, find_home
from harness.errors import HarnessError, ReaderGone
from harness.text.secrets import Redactor

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="The home; else HARNESS_HOME, else the nearest.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")]

COMMANDING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
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
    home = find_home(given, os.environ.get("HARNESS_HOME"), Path.cwd())
    if home.state.exists() and not home.state.is_dir():
        raise HarnessError(f"{home.state} is no folder", hint="move that file away")
    return home


def say(text: str = "") -> None:
    """A line of the answer, on stdout. Raises ReaderGone."""
    try:
        typer.echo(text)
    except BrokenPipeError as error:
        raise ReaderGone from error


def note(text: str) -> None:
    """A line beside the answer, on stderr."""
    typer.echo(secrets().text(text), err=True)


def emit(document: object) -> None:
    """The one JSON document."""
    say(json.dumps(document, ensure_ascii=False, indent=2, default=plain))


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
    cells = [["-" if cell is None else one_line(cell) for cell in row] for row in rows]
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
        shown = value if isinstance(value, Painted) else told(str(value))
        say(f"{paint(name.ljust(width), 'dim')}  {shown}")


class Painted(str):
    """Text in which the escapes of a terminal are our own."""


def paint(text: str, colour: str) -> Painted:
    """Colour only on a terminal that wants it; the word always carries the meaning too."""
    if not colour or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return Painted(text)
    return Painted(f"\x1b[{COLOURS[colour]}m{text}\x1b[0m")


def one_line(cell: object) -> str:
    return " ".join((cell if isinstance(cell, Painted) else told(str(cell))).split("\n"))


def told(text: str) -> str:
    """What is said of something: as `clean`, and without secrets. An answer is shown whole."""
    return clean(secrets().text(text))


@cache
def secrets() -> Redactor:
    """Knows the secrets of this process's environment."""
    return Redactor.knowing(os.environ)


def clean(text: str) -> str:
    """What somebody else wrote, with characters that would command a terminal made visible."""
    return COMMANDING.sub(lambda match: f"\\x{ord(match[0]):02x}", text.replace("\r\n", "\n"))


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


def counted(number: int, what: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def short(text: str, width: int = 60) -> str:
    """The first line, cut to a width; without its secrets first, since half of one has no shape."""
    text = secrets().text(text).strip()
    first = text.splitlines()[0] if text else ""
    return first if len(first) <= width else first[: width - 1] + "…"
