"""The mark on words that came from outside, in the files that outlive a session.

It is a comment that a person sees and can delete: who deletes it has read the words and stands
for them. Until then they are told to nobody as if they were the house's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST = 8  # sources that a mark names
# blanks are taken once and for all: a page of nothing else costs no more than any other
_MARK = re.compile(r"(?<![ \t])[ \t]*+<!-- from outside: ([^\n<>]{0,2000}?) -->[ \t]*+")
QUARANTINE = "Trust: quarantine, after reading "  # how an entry of lessons has its mark
_HELD = re.compile(  # as people and other programs may write it, too
    r"^[ \t]*(?:[-*+][ \t]+)?\**Trust\**:\**[ \t]*quarantine\w*(?:, after reading )?(.*)$",
    re.MULTILINE | re.IGNORECASE,
)
SOMEBODY = "somebody"  # who is told of where nobody is named
_HOST = re.compile(r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63})+")
_ODD = re.compile(r"[^\w.:/@ -]|--+")


def marked(text: str, sources: Iterable[str]) -> str:
    """The text with one mark, at the end of its first line, for all these sources; none: none."""
    names = list(dict.fromkeys(tidy(source) for source in sources))
    if not names:
        return text
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    first, end, rest = text.partition("\n")
    return f"{first} <!-- from outside: {', '.join(names[:MOST])}{more} -->{end}{rest}".lstrip(" ")


def unmarked(text: str) -> str:
    """The text without any mark; words before and behind one stay two."""
    return _MARK.sub(lambda mark: " " if within_a_line(mark) else "", text)


def within_a_line(mark: re.Match[str]) -> bool:
    around = (mark.string[mark.start() - 1 : mark.start()], mark.string[mark.end() :][:1])
    return all(sign and sign != "\n" for sign in around)


def sources_of(text: str) -> list[str]:
    """What the marks in a text name."""
    found = (*_MARK.findall(text), *(named.strip() or SOMEBODY for named in _HELD.findall(text)))
    names = (name for mark in found for name in mark.split(", "))
    return [name for name in dict.fromkeys(names) if name]


def hosts_of(sources: Iterable[str]) -> list[str]:
    """The hosts in names of sources: of an address, who serves it, and none of his words."""
    return list(dict.fromkeys(host for source in sources for host in _HOST.findall(source)))


def tidy(source: str) -> str:
    """A source's name that cannot end its mark early."""
    return " ".join(_ODD.sub(" ", source).split())[:120] or "somewhere"
