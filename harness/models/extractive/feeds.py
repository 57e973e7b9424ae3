"""What the feed and link tools answer, read leniently: one JSON object per line.

A line that is no JSON is passed over: the text may be a preview, cut in the middle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

WEIGHT_MAX = 5.0


@dataclass(frozen=True)
class Entry:
    """One entry of one feed."""

    title: str
    url: str = ""
    source: str = ""
    published: datetime | None = None  # aware, UTC
    weight: float = 1.0
    summary: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """One reading of all feeds."""

    entries: Sequence[Entry] = ()
    feeds: int = 0
    answered: int = 0
    failed: Sequence[tuple[str, str]] = ()  # name, reason
    items: int = 0  # entries that the tool had; more than `entries` when its text was cut


@dataclass(frozen=True)
class Check:
    """Whether a link answered."""

    url: str
    ok: bool
    note: str = ""


def read_feeds(text: str) -> Reading:
    """The text of an `rss` result. Never raises; what cannot be read is not there."""
    head: Mapping[str, Any] = {}
    entries = []
    for line in _objects(text):
        if "feeds" in line and "title" not in line:
            head = line
        elif entry := _entry(line):
            entries.append(entry)
    entries = list(dict.fromkeys(entries))  # parts of a long result overlap
    return Reading(
        entries,
        feeds=_count(head.get("feeds")),
        answered=_count(head.get("answered")),
        failed=list(_failures(head.get("failed"))),
        items=max(_count(head.get("items")), len(entries)),
    )


def read_checks(text: str) -> dict[str, Check]:
    """The text of a `verify_url` result, by address."""
    return {
        line["url"]: Check(line["url"], line.get("ok") is True, _text(line.get("note")))
        for line in _objects(text)
        if isinstance(line.get("url"), str) and "ok" in line
    }


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        if not line.lstrip().startswith("{"):
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _entry(line: Mapping[str, Any]) -> Entry | None:
    title = _text(line.get("title"))
    if not title:
        return None
    tags = line.get("tags")
    return Entry(
        title,
        _text(line.get("url")),
        _text(line.get("source")),
        _moment(line.get("published")),
        _weight(line.get("weight")),
        _text(line.get("summary")),
        tuple(_text(tag) for tag in tags if _text(tag)) if isinstance(tags, list) else (),
    )


def _failures(value: object) -> Iterator[tuple[str, str]]:
    for failure in value if isinstance(value, list) else []:
        if isinstance(failure, dict):
            yield _text(failure.get("name")), _text(failure.get("error"))
        elif isinstance(failure, str):
            yield failure, ""


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _weight(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 1.0
    return min(max(float(value), 0.0), WEIGHT_MAX)


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
