"""Amounts of memory as people write them: `24GiB`, `512 MiB`, `8GB`, or a number of bytes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12} | {
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?b)?", re.IGNORECASE | re.ASCII)
FORM = "a size is written like 24GiB, 512MiB or 8GB"
MOST = 1 << 60  # bytes


def parse_size(value: object) -> int:
    """The bytes that a text or a number means. Raises ValueError."""
    match = None if isinstance(value, bool) else _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(FORM)
    size = float(match[1]) * UNITS[(match[2] or "").lower()]
    if not 0 < size <= MOST:
        raise ValueError(FORM)
    return int(size)


Size = Annotated[int, BeforeValidator(parse_size)]
