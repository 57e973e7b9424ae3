"""Until when a line holds: `<!-- expires: 2026-12-01 -->` on it, in any file of the memory."""

from __future__ import annotations

import re
from datetime import date

_EXPIRES = re.compile(r"<!--\s*expires:\s*(\d{4}-\d{2}-\d{2})\s*-->", re.IGNORECASE)


def expiry_told(raw: str) -> date | None:
    """The last day on which it holds; None when it names none that there is."""
    found = _EXPIRES.search(raw)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def without_expiry(raw: str) -> str:
    return _EXPIRES.sub("", raw) if "expires" in raw.casefold() else raw
