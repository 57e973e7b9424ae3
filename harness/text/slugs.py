"""Titles as parts of file names."""

from __future__ import annotations

import unicodedata


def slug(text: str, *, limit: int = 60, size: int = 120) -> str:
    """`text` in letters and digits of any script with single hyphens between; empty if none.

    At most `limit` characters and `size` bytes of UTF-8, so that a file name has room for it.
    """
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())
    spaced = "".join(character if _in_word(character) else " " for character in lowered)
    kept = "-".join(spaced.split())[:limit]
    return kept.encode()[:size].decode(errors="ignore").strip("-")


def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"  # a mark belongs to its letter
