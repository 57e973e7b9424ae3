"""Answers whose links do nothing by themselves.

A chat or a notebook that shows an answer may fetch its pictures and preview its links, before
anybody clicks. An address that a session made up after reading a stranger's words could carry
out what it knows; so it is shown, and cannot be followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.text.invisible import visible

_PICTURE = re.compile(r"!(?=\[[^\]\n]*\](?:\(|\[))")
_TAG = re.compile(r"<(?=[A-Za-z/!])(?!https?://[^\s<>]+>)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)


def disarmed(text: str, knows: Callable[[str], bool]) -> str:
    """The text without pictures and markup, its addresses unable to be followed unless `knows`
    says that they stood in what was read."""
    plain = _TAG.sub("&lt;", _PICTURE.sub("", visible(text)))
    return _ADDRESS.sub(lambda found: shown(found[0], knows), plain)


def shown(address: str, knows: Callable[[str], bool]) -> str:
    closing = re.split(r"[)\]}]", address, maxsplit=1)[0].rstrip(".,;:!?*_")
    if knows(address) or knows(closing) or knows(address.rstrip(".,;:!?*_)")):
        return address
    return re.sub(r"^http", "hxxp", address, flags=re.IGNORECASE)
