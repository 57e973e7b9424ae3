"""The values in a sentence: times, days, prices, versions, addresses, numbers, names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from harness.memory.search.terms import terms_of

_DAYS = "mon|tues|wednes|thurs|fri|satur|sun"
_LONG = (
    "january|february|march|april|june|july|august|september|october|november|december"  # no "may"
)
_MONTHS = f"{_LONG}|may|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
_COUNTED = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty"
    "|fifty|sixty|ninety|hundred"
)
_KINDS = (  # what is found first is taken out of the sentence
    ("address", r"\b[\w.+-]{1,64}@\w[\w.-]+|https?://\S+|~?/?(?:[\w.-]+/)+[\w.-]*|\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    ("day", rf"\b\d{{4}}-\d\d(?:-\d\d)?\b|\b(?:{_DAYS})days?\b"),
    ("day", rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of )?(?:{_MONTHS})\b(?: \d{{4}})?"),
    ("day", rf"\b(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b|\b(?:{_LONG})\b"),
    ("time", r"\b\d{1,2}:\d\d(?: ?[ap]m)?\b|\b\d{1,2} ?(?:[ap]m|o['’]clock|h)\b"),
    ("time", r"\b(?:noon|midnight)\b"),
    ("money", r"[€$£] ?\d[\d.,]*\d?k?|\b\d[\d.,]*k? ?(?:€|\$|£)"),
    ("money", r"\b\d[\d.,]*k? ?(?:euros?|eur|usd|dollars?|pounds?|chf|francs?|cents?)\b"),
    ("version", r"\bv?\d+(?:\.\d+)+(?:[-.]?(?:rc|beta|alpha|lts)\d*)?\b|\bv\d+\b"),
    ("number", r"\+?\d[\d /-]{5,}\d\b"),
)  # fmt: skip
_TYPED = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS)
_SIGNS = re.compile(rf"[\d@/]|noon|midnight|(?:{_DAYS})day|{_LONG}", re.IGNORECASE)  # of any
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<count>\d[\d,.]*\d|\d|(?:{_COUNTED})\b)[ -]?(?P<unit>%|[a-z]+)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<!\w)(?:[A-Z][\w'’-]*|`[^`]+`|\"[^\"]+\")")


@dataclass(frozen=True)
class Values:
    """The values of a sentence by their kinds; a number's kind is what it counts."""

    of: tuple[tuple[str, frozenset[str]], ...] = ()

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(term for _, texts in self.of for text in texts for term in terms_of(text))

    def without(self, dropped: frozenset[str]) -> Values:
        """Those that are not named as what holds no more."""
        kept = (
            (kind, frozenset(text for text in texts if not set(terms_of(text)) <= dropped))
            for kind, texts in self.of
        )
        return Values(tuple((kind, texts) for kind, texts in kept if texts))

    @cached_property
    def kinds(self) -> dict[str, frozenset[str]]:
        return dict(self.of)


def values_of(text: str) -> Values:
    """The values in what stands behind a verb."""
    found: dict[str, set[str]] = {}
    rest = text
    for kind, pattern in _TYPED if _SIGNS.search(text) else ():
        for match in pattern.finditer(rest):
            found.setdefault(kind, set()).add(told(match[0]))
        rest = pattern.sub(" , ", rest)
    for match in _NUMBER.finditer(rest):
        unit = "".join(terms_of(match["unit"] or "")[:1])
        found.setdefault(f"number {unit}".strip(), set()).add(told(match["count"]))
    for match in _NAME.finditer(rest):
        found.setdefault("name", set()).add(told(match[0]))
    return Values(tuple((kind, frozenset(texts)) for kind, texts in found.items()))


def told(text: str) -> str:
    """A value as it is compared."""
    bare = text.casefold().strip(" .,;`\"'")
    whole = re.sub(r"(?<=\d)[ ,](?=\d{3}\b)", "", bare).removesuffix("'s")
    return whole.removesuffix("s") if whole.endswith("days") else whole
