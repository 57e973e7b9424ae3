"""The line by which an answer of less than the wanted model says so itself."""

from __future__ import annotations

import re

from harness.bus.port import Result

SAYS_SO = re.compile(r"^(> )?[*_]{0,2}Degraded: ", re.MULTILINE)


def with_notice(result: Result) -> str:
    """The text; with a first line that says it is degraded, where it is and does not say so.

    Without a text there is nothing to say so of: silence stays silence.
    """
    if not result.degraded or not result.text.strip() or SAYS_SO.search(result.text):
        return result.text
    return f"> Degraded: answered by {result.model or 'a fallback'}.\n\n{result.text}"
