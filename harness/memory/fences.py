"""Blocks of code in a page, line by line: what stands in one is no rule, no item and no word.

One that nothing closes goes to the end, as in Markdown. A file of entries is read otherwise
(lessons/lines.py): there it would swallow whatever is appended.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def fence_after(fence: str, line: str) -> str:
    """The fence that is open behind a line, where `fence` was open before it; empty: none."""
    mark = _FENCE.match(line)
    if mark is None:
        return fence
    if not fence:
        return mark[1]
    closes = mark[1].startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence
