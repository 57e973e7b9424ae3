"""What a task asks for, read off its words: news or not, how many, how far back, about what."""

from __future__ import annotations

import re

from harness.text.urls import find_urls
from harness.text.words import terms

COUNT = 24
COUNT_MAX = 100

_NEWS = re.compile(
    r"\b(?:news|digest|headlines?|stor(?:y|ies)|brief(?:ing)?|round-?up|feeds?|rss|latest"
    r"|what(?:'s| is) new|today|morning|overnight)\b",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"\btop[ -](\d{1,3})\b"
    r"|\b(\d{1,3}) (?:items?|stor(?:y|ies)|headlines?|news|articles?|entries|links?|points?"
    r"|topics?)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(
    r"\b(?:last|past|previous) (?:(\d{1,3}) )?(hours?|days?|weeks?|months?)\b", re.IGNORECASE
)
_HOURS = {"h": 1, "d": 24, "w": 168, "m": 720}
_PAGE = re.compile(r"\b([\w-]+)\.md\b")
_COMMANDS = frozenset(
    re.findall(
        r"\w+",
        """answer answers brief briefing check daily day days digest enough evening feed feeds find
        five give headline headlines hour hours item items last latest lines list look make midday
        morning news newest now nothing overnight past please read report rss round roundup save see
        send short show since stories story summary summarize summarise tell ten three today top
        topic topics two update week weekend weekly write""",
    )
)


def wants_news(task: str) -> bool:
    return bool(_NEWS.search(task))


def how_many(task: str) -> int:
    """The number of items that the task names, else the usual one."""
    found = _COUNT.search(task)
    number = int(found.group(1) or found.group(2)) if found else COUNT
    return min(max(number, 1), COUNT_MAX)


def hours_back(task: str) -> int | None:
    """The span that the task names, in hours."""
    found = _SPAN.search(task)
    if found is None:
        return None
    return int(found.group(1) or 1) * _HOURS[found.group(2)[0].lower()]


def about(task: str) -> frozenset[str]:
    """The words that say what it is about: no commands, no numbers, no addresses."""
    text = task
    for url in find_urls(task):
        text = text.replace(url, " ")
    words = terms(_PAGE.sub(" ", text)) - _COMMANDS
    return frozenset(word for word in words if not word.isdigit() and len(word) > 1)


def pages(task: str) -> list[str]:
    """Names of Markdown pages in the task."""
    return list(dict.fromkeys(f"{name}.md" for name in _PAGE.findall(task)))
