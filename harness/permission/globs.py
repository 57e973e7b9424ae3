"""Patterns of rules: `*` within one name, `**` over folders, `?` one character."""

from __future__ import annotations

import re
from functools import lru_cache

from harness.rooted import folded


def path_fits(pattern: str, path: str) -> bool:
    """Whether a normal path fits; `notes/` means all that lies below it."""
    wanted = folded(pattern.strip().removeprefix("./"))
    return bool(
        expression(f"{wanted}**" if wanted.endswith("/") else wanted).fullmatch(folded(path))
    )


def text_fits(pattern: str, text: str) -> bool:
    """Whether a name fits."""
    return bool(expression(folded(pattern)).fullmatch(folded(text)))


@lru_cache(maxsize=1000)
def expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "".join(meaning.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL
    )
