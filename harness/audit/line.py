"""One line of the audit: what was done, chained to the line before by its hash."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GENESIS = "0" * 64  # what the very first line has in the place of a hash before it

REPAIRED = "audit.repaired"  # a crash tore the line before this one
GAP = "audit.gap"  # lines that were once written are not there any more
HEAD_LOST = "audit.head_lost"  # nobody knows how long the log was before this line
PRUNED = "audit.pruned"  # the oldest files were removed, by the limit on the whole
LOST = "audit.lost"  # lines that could not be written before this one

TEXT_LIMIT = 300  # characters of one text in `details`
ITEMS_LIMIT = 20  # of one list or mapping
DEPTH_LIMIT = 5
DETAILS_LIMIT = 32_768  # bytes of all of them
RAW_LIMIT = 16_384  # of a text that is looked through for secrets before it is cut


@dataclass(frozen=True)
class Deed:
    """What somebody did, before it has its place in the log."""

    at: str  # ISO-8601 with offset
    actor: str  # `daemon`, `agent:<name>`, `person:<login name>`
    action: str  # `tool.called`, `task.ended`, `cron.paused`, ...
    target: str | None = None  # the task, job or file that it was done to
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A place in the chain."""

    seq: int
    hash: str


BEGINNING = Link(0, GENESIS)


@dataclass(frozen=True)
class Line:
    """A line as it stands in the file; `hash` covers all the rest of it."""

    seq: int
    at: str
    actor: str
    action: str
    target: str | None
    details: Mapping[str, Any]
    prev: str
    hash: str

    @property
    def link(self) -> Link:
        return Link(self.seq, self.hash)

    def raw(self) -> bytes:
        """The bytes in the file, without the line's end."""
        return canonical(vars(self))


def next_line(before: Link, deed: Deed) -> Line:
    """The line that follows `before`."""
    content = {"seq": before.seq + 1, **vars(deed), "prev": before.hash}
    return Line(**content, hash=hash_of(content))


def line_of(raw: bytes) -> Line | None:
    """The line that these bytes are, exactly; None when they are none, or its hash is wrong."""
    try:
        values = json.loads(raw)
        line = Line(**values)
        content = {name: value for name, value in values.items() if name != "hash"}
        whole = is_sound(line) and line.hash == hash_of(content) and line.raw() == raw
    except (TypeError, ValueError, RecursionError):
        return None
    return line if whole else None


def is_sound(line: Line) -> bool:
    """Whether each value is of its kind: a hash says that a line is whole, not who made it."""
    texts = (line.at, line.actor, line.action, line.prev, line.hash)
    numbered = isinstance(line.seq, int) and not isinstance(line.seq, bool)
    return (
        numbered
        and all(isinstance(text, str) for text in texts)
        and isinstance(line.target, str | None)
        and isinstance(line.details, Mapping)
    )


def hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(values: Mapping[str, Any]) -> bytes:
    """The one form in bytes: names sorted, no blanks, ASCII."""
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")


def clipped(value: Any, depth: int = DEPTH_LIMIT, limit: int = TEXT_LIMIT) -> Any:
    """`value` as JSON of a bounded size, cut where it is too long and saying so."""
    match value:
        case None | bool():
            return value
        case int():
            return value if value.bit_length() <= 256 else f"a number of {value.bit_length()} bits"
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value if len(value) <= limit else f"{value[:limit]}… ({len(value)} characters)"
        case _ if depth == 0:
            return "…"
        case Mapping():
            kept = dict(list(value.items())[:ITEMS_LIMIT])
            cut = {
                clipped(str(name)): clipped(item, depth - 1, limit) for name, item in kept.items()
            }
            return cut | ({"…": len(value) - ITEMS_LIMIT} if len(value) > ITEMS_LIMIT else {})
        case list() | tuple() | set() | frozenset():
            items = [clipped(item, depth - 1, limit) for item in list(value)[:ITEMS_LIMIT]]
            return items + (["…"] if len(value) > ITEMS_LIMIT else [])
        case _:
            return clipped(str(value), depth, limit)
