"""What a server answered, and its text in the character set that it really is in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FALLBACK = "cp1252"  # what browsers take for "latin-1" and for nothing at all
HEAD = 2048  # bytes in which a page must declare its character set
_DECLARED = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")
# Python knows codecs that are no character sets (unicode_escape, idna, ...)
_CHARACTER_SET = re.compile(
    r"(?:utf-(?:8|16|32)|iso|cp\d|koi8|big5|gb|euc|shift|mac|ascii|hz|tis|johab)"
)
# in these, text looks like other text in ASCII or UTF-8, so their declaration is believed first
_DISGUISED = re.compile(r"(?:utf-16|utf-32|iso2022|hz)")


@dataclass(frozen=True)
class Response:
    """One answer, whatever its status."""

    url: str  # the last one, after redirects
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    elapsed: float  # seconds, waiting for a turn included

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def said(self) -> str:
        """The status for people: `404 Not Found`."""
        known = self.status in HTTPStatus._value2member_map_
        return f"{self.status} {HTTPStatus(self.status).phrase}" if known else str(self.status)

    @property
    def media_type(self) -> str:
        """`text/html`, in lower case; empty when the server does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return decode(self.body, self.headers.get("content-type", ""))


def decode(body: bytes, content_type: str = "") -> str:
    """The text of `body`. Never raises: servers often declare what is not so.

    Bytes beyond ASCII that are valid UTF-8 are UTF-8, whatever the header says; no other
    character set comes out so by chance.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    declared = list(_declared(body, content_type))
    disguised = [name for name in declared if _DISGUISED.match(name)]
    for name in (*disguised, "utf-8", *declared):
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    return body.decode(FALLBACK, errors="replace")


def _declared(body: bytes, content_type: str) -> Iterator[str]:
    """The character sets that header and text name, as Python spells them."""
    header = _DECLARED.search(content_type.encode("ascii", errors="ignore"))
    inside = _DECLARED.search(body[:HEAD])
    for match in (header, inside):
        name = _codec(match[1].decode("ascii")) if match else None
        if name:
            yield name


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    if name in {"iso8859-1", "ascii"}:
        return FALLBACK
    return name if _CHARACTER_SET.match(name) else None
