"""Words that stand in an entry and cannot be taken for the structure of its file."""

from __future__ import annotations

import re

from harness.text.invisible import visible

# what would start or end an entry, or be one of its facts, were it to stand in one
_STRUCTURE = re.compile(
    r"^(?=\s*(?:#|-{3,}\s*$|```|~~~|[-*+]\s+[A-Z][\w-]*:|\*\*[A-Z]|[-*+]\s+\*\*[A-Z]))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"<(?=!--)")


def harmless(text: str) -> str:
    """The text with nothing in it that a reader of the file takes for the file's own structure."""
    return _COMMENT.sub(r"<\\", _STRUCTURE.sub(r"\\", visible(text).strip()))


def one_line(text: str) -> str:
    return harmless(" ".join(visible(text).split()))


def one_word(text: str) -> str:
    """Something that stands in a list of words: without blanks, commas and line ends."""
    return "-".join(re.split(r"[\s,]+", visible(text).strip()))
