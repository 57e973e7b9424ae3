"""Answers whose links do nothing by themselves.

A chat or a notebook that shows an answer may fetch its pictures and preview its links, before
anybody clicks. An address that a session made up after reading a stranger's words could carry
out what it knows; so it is shown, and cannot be followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.text.invisible import visible

_PICTURE = re.compile(r"!+(?=\[)")
_TAG = re.compile(r"<(?=[A-Za-z/!])(?!https?://[^\s<>]+>)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
# a link to what is neither http nor a plain path: other schemes, none (`//host`), signs written
# as entities or with a backslash, which a reader's program takes for the signs
_ODD_LINK = re.compile(
    r"\](?=[(:]\s*<?(?!(?:http|hxxp)s?://|#|\w[\w./-]*(?:[)\s>#]|$))[^\s)])", re.IGNORECASE
)
_OTHER_SCHEME = re.compile(
    r"(?<![\w+.-])(?!(?:http|hxxp)s?:)([a-z][a-z0-9+.-]{1,20}):(?=//\S)", re.I
)
# chats take these for addresses, too
_BARE = re.compile(
    r"(?<![\w@./:=&%-])(?:www\.|(?:[a-z0-9-]+\.)+[a-z]{2,24}/)[^\s<>\"'`\\]+", re.IGNORECASE
)
_SCHEME = re.compile(r"http(?=s?://)", re.IGNORECASE)
_BRACKET = re.compile(r"([)\]}|])")
_ENDS = ".,;:!?*_)]}|"


def disarmed(text: str, knows: Callable[[str], bool]) -> str:
    """The text without pictures and markup, its addresses unable to be followed unless `knows`
    says that they stood in what was read."""
    plain = _TAG.sub("&lt;", _PICTURE.sub("", visible(text)))
    linked = _OTHER_SCHEME.sub(r"\1 :", _ODD_LINK.sub("] ", plain))
    bare = _BARE.sub(lambda found: bared(found[0], knows), linked)
    return _ADDRESS.sub(lambda found: shown(found[0], knows), bare)


def bared(address: str, knows: Callable[[str], bool]) -> str:
    """An address without a scheme, as no program takes it for one unless it is known."""
    if any(knows(f"http://{address[:end]}") for end in endings(address, _ENDS)):
        return address
    host, slash, path = address.partition("/")
    return f"{host.replace('.', '[.]')}{slash}{path}"


def shown(text: str, knows: Callable[[str], bool]) -> str:
    """Known addresses as they are, whatever closes their sentence. What follows a bracket is
    looked at by itself, and set apart: a reader's program could take both for one."""
    done = []
    while found := _SCHEME.search(text):
        done.append(text[: found.start()])
        address = text[found.start() :]
        if any(knows(address[:end]) for end in endings(address, _ENDS)):
            return "".join((*done, address))
        head, bracket, rest = (*_BRACKET.split(address, maxsplit=1), "", "")[:3]
        if not (bracket and knows(head)):
            return "".join((*done, _SCHEME.sub("hxxp", address)))
        done.append(f"{head}{bracket} ")
        text = rest
    return "".join((*done, text))


def endings(text: str, marks: str, most: int = 8) -> Iterator[int]:
    """Where a text may end: at its end, and before each of the last few marks there."""
    for end in range(len(text), max(len(text) - most, 0), -1):
        yield end
        if text[end - 1] not in marks:
            return
