"""Of which day a part of a file tells."""

from __future__ import annotations

import re
from datetime import date

from harness.memory.expiry import without_expiry

_ISO = r"(\d{4}-\d{2}-\d{2})"
_NAME = re.compile(rf"(?:.*/)?{_ISO}[^/]*\.md$")
_FIELDS = (  # what says it, best first
    re.compile(rf"^\s*-\s+(?:\*\*)?Last-Seen(?:\*\*)?:\s*{_ISO}", re.MULTILINE | re.IGNORECASE),
    re.compile(rf"^\*\*Logged(?:\*\*:|:\*\*)\s*{_ISO}", re.MULTILINE),
    re.compile(rf"<!--\s*learned {_ISO}"),
    re.compile(rf"(?<![\w./-]){_ISO}(?![\w-])"),
)
_LONE = re.compile(rf"(?<!\d){_ISO}(?!\d)")


def day_of_name(path: str) -> date | None:
    """The day of a daily log, from its name."""
    found = _NAME.match(path)
    return day(found[1]) if found else None


def day_told(raw: str, heading: str) -> date | None:
    """The day that a part names: its field, its provenance, its words, or its heading's."""
    told = (found[1] for field in _FIELDS if (found := field.search(without_expiry(raw))))
    above = (found[1] for found in _LONE.finditer(heading))
    return next((known for text in (*told, *above) if (known := day(text))), None)


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
