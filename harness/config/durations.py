"""Spans of time as people write them: `90s`, `20m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from harness.errors import UsageError

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}  # seconds, largest first
EXAMPLE = "write it like 90s, 20m, 1h30m or 2d, largest unit first"
LONGEST_ECHO = 40  # characters of a wrong text that the error repeats
LONGEST = timedelta(days=36_500)  # a moment and a span make a moment again


class DurationError(UsageError, ValueError):
    """A text that is no duration."""

    def __init__(self, text: str, hint: str = EXAMPLE) -> None:
        shown = text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}…"
        super().__init__(f'"{shown}" is no duration', hint=hint)


def parse_duration(text: str) -> timedelta:
    """The span that a text such as `1h30m` means. Raises DurationError."""
    pattern = "".join(rf"(?:(\d+){unit})?" for unit in UNITS)
    match = re.fullmatch(pattern, text.strip(), flags=re.ASCII)
    if not match or not any(match.groups()):
        raise DurationError(text)
    counts = zip(match.groups(), UNITS.values(), strict=True)
    try:
        span = timedelta(seconds=sum(int(count or 0) * seconds for count, seconds in counts))
    except (OverflowError, ValueError):  # ValueError: of more digits than int() reads
        raise DurationError(text) from None
    if span > LONGEST:
        raise DurationError(text, hint=f"the longest is {LONGEST.days}d")
    return span


def format_duration(span: timedelta) -> str:
    """The shortest text that `parse_duration` reads back; fractions of a second are dropped."""
    left = int(span.total_seconds())
    text = ""
    for unit, seconds in UNITS.items():
        count, left = divmod(left, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _from_yaml(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return parse_duration(str(value))


Duration = Annotated[
    timedelta, BeforeValidator(_from_yaml), PlainSerializer(format_duration, return_type=str)
]
