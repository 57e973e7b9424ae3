"""Answers whose links do nothing by themselves.

A chat or a notebook that shows an answer may fetch its pictures and preview its links, before
anybody clicks. An address that a session made up after reading a stranger's words could carry
out what it knows; so it is shown, and cannot be followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.text.invisible import visible

_PICTURE = re.compile(r"!(?=\[[^\]\n]*\](?:\(|\[))")
_TAG = re.compile(r"<(?=[A-Za-z/!])(?!https?://[^\s<>]+>)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_SCHEME = re.compile(r"http(?=s?://)", re.IGNORECASE)
_BRACKET = re.compile(r"([)\]}|])")
_ENDS = ".,;:!?*_)]}|"


def disarmed(text: str, knows: Callable[[str], bool]) -> str:
    """The text without pictures and markup, its addresses unable to be followed unless `knows`
    says that they stood in what was read."""
    plain = _TAG.sub("&lt;", _PICTURE.sub("", visible(text)))
    return unlinked(plain, knows)


def unlinked(text: str, knows: Callable[[str], bool]) -> str:
    return _ADDRESS.sub(lambda found: shown(found[0], knows), text)


def shown(address: str, knows: Callable[[str], bool]) -> str:
    """A known address as it is, whatever closes its sentence. What follows a bracket is looked at
    by itself, and set apart: a reader's program could take both for one."""
    if any(map(knows, endings(address))):
        return address
    head, bracket, rest = split(address)
    if bracket and knows(head):
        return f"{head}{bracket} {unlinked(rest, knows)}"
    return _SCHEME.sub("hxxp", address)


def endings(address: str) -> Iterator[str]:
    """The address, and what it is without each of the marks at its end."""
    yield address
    while address and address[-1] in _ENDS:
        address = address[:-1]
        yield address


def split(address: str) -> tuple[str, str, str]:
    """What stands before the first closing bracket, the bracket, and what stands behind."""
    head, bracket, rest = (*_BRACKET.split(address, maxsplit=1), "", "")[:3]
    return head, bracket, rest
