"""A feed's bytes read as items: every dialect and most kinds of damage, in one shape."""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from harness.config.sources import Source
from harness.network.response import decode
from harness.text.invisible import visible
from harness.text.sentences import sentences
from harness.text.urls import canonical_url
from harness.text.words import clip
from harness.tools.article import plain_text

SUMMARY = 280  # characters
TITLE = 200
LONGEST_TEXT = 20_000  # of an item's markup; more cannot change the first 280 characters
CLOCK_SKEW = timedelta(
    days=2
)  # wrong zones and clocks; a date beyond is an event's, not the item's
WEB_SCHEMES = {"http", "https"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SECONDS = re.compile(r"\d{9,10}|\d{12,13}")
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|div|em|font|h\d|hr|i|img|li|ol|p|pre|s|small|span|strike"
    r"|strong|sub|sup|table|td|tr|tt|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)


class NoFeed(ValueError):
    """The bytes are something else; the message says what, as far as one can tell."""


@dataclass(frozen=True)
class Item:
    """One entry of one feed."""

    title: str
    url: str  # absolute
    source: str
    published: str | None  # ISO-8601 in UTC, or unknown
    weight: float
    summary: str
    tags: tuple[str, ...]


def parse_feed(
    body: bytes, content_type: str, url: str, source: Source, now: datetime
) -> list[Item]:
    """The items of the feed at `url`, as the feed orders them; entries without a link are left
    out. Raises NoFeed.

    Blocks for as long as parsing takes: call it on a thread.
    """
    text = _CONTROL.sub("", decode(body, content_type))
    if not text.strip():
        raise NoFeed("the answer is empty")
    parsed = _parsed(text)
    if not parsed.version and not parsed.entries:
        raise NoFeed(f"the answer is no feed but {_kind(text)}")
    found = (_item(entry, url, source, now) for entry in parsed.entries)
    return list(_merged(item for item in found if item is not None))


def read_date(raw: str, now: datetime) -> datetime | None:
    """A date that feedparser could not read: ISO with odd marks, RFC 822, seconds since 1970."""
    text = raw.strip()
    for read in (_from_seconds, datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            continue
        return plausible(found if found.tzinfo else found.replace(tzinfo=UTC), now)
    return None


def plausible(date: datetime, now: datetime) -> datetime | None:
    """The date, or now when it lies a little ahead; None when it cannot be one of publication."""
    try:
        if date > now + CLOCK_SKEW or date.year < 1990:
            return None
        return min(date.astimezone(UTC), now)
    except OverflowError:
        return None


def _parsed(text: str) -> Any:
    try:
        return feedparser.parse(
            io.BytesIO(text.encode()),  # a stream: of bytes alone it would open a file of that name
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,  # it would take away the marks of what is hidden, and keep it
        )
    except Exception as error:  # the boundary: the library trips over odd marks in many ways
        raise NoFeed(f"the answer is no feed that can be read: {type(error).__name__}") from error


def _item(entry: Any, base: str, source: Source, now: datetime) -> Item | None:
    link = _link(entry, base)
    if link is None:
        return None
    summary = _shortened(_text(entry, "summary") or _content(entry))
    title = clip(" ".join(_text(entry, "title").split()), TITLE) or clip(summary, 80)
    published = _published(entry, now)
    return Item(
        title=title or link,
        url=link,
        source=source.name,
        published=published.isoformat(timespec="seconds") if published else None,
        weight=source.weight,
        summary=summary if summary != title else "",
        tags=source.tags,
    )


def _link(entry: Any, base: str) -> str | None:
    """The entry's own page, else its enclosure; absolute, and of the web."""
    enclosures = (enclosure.get("href") for enclosure in entry.get("enclosures", []))
    for candidate in (entry.get("link"), entry.get("id"), *enclosures):
        try:
            absolute = urljoin(base, visible(candidate or "").strip())
            parts = urlsplit(absolute)
        except ValueError:
            continue
        bare_id = candidate == entry.get("id") and "/" not in (candidate or "")
        if candidate and parts.scheme in WEB_SCHEMES and parts.hostname and not bare_id:
            return absolute
    return None


def _text(entry: Any, key: str) -> str:
    """A text of the entry, free of markup and of what is invisible."""
    value = entry.get(key)
    if not isinstance(value, str):
        return ""
    kind = (entry.get(f"{key}_detail") or {}).get("type", "text/html")
    return _plain(value, markup=kind != "text/plain")


def _content(entry: Any) -> str:
    parts = entry.get("content") or [{}]
    return _plain(str(parts[0].get("value", "")), markup=True)


def _plain(value: str, *, markup: bool) -> str:
    # what feedparser takes for plain may still hold a stray tag; `Vec<T>` must stay
    short = value[:LONGEST_TEXT]
    return visible(plain_text(short) if markup else _TAG.sub(" ", short)).strip()


def _shortened(text: str) -> str:
    """The first sentences that fit, else the first words."""
    chosen = ""
    for sentence in sentences(" ".join(text.split())[: SUMMARY * 4]):
        longer = f"{chosen} {sentence}".strip()
        if len(longer) > SUMMARY:
            break
        chosen = longer
    return chosen or clip(" ".join(text.split()), SUMMARY)


def _published(entry: Any, now: datetime) -> datetime | None:
    # dict.get, since feedparser's own warns about fields that stand in for each other
    for key in ("published", "updated", "created"):
        parsed, raw = dict.get(entry, f"{key}_parsed"), str(dict.get(entry, key) or "")
        if parsed and not _SECONDS.fullmatch(raw.strip()):  # it takes those for a year
            try:
                return plausible(datetime.fromtimestamp(calendar.timegm(parsed), UTC), now)
            except (ValueError, OverflowError, OSError):
                continue
        if date := read_date(raw, now):
            return date
    return None


def _from_seconds(text: str) -> datetime:
    if not _SECONDS.fullmatch(text):
        raise ValueError("no number of seconds or milliseconds")
    seconds = int(text)
    return datetime.fromtimestamp(seconds / 1000 if len(text) > 10 else seconds, UTC)


def _merged(items: Iterable[Item]) -> Iterator[Item]:
    """One item per page: the first, with the newest date and the longest summary of them all."""
    pages: dict[str, Item] = {}
    for item in items:
        page = canonical_url(item.url)
        known = pages.get(page)
        if known is None:
            pages[page] = item
            continue
        pages[page] = replace(
            known,
            published=max(filter(None, (known.published, item.published)), default=None),
            summary=max(known.summary, item.summary, key=len),
        )
    yield from pages.values()


def _kind(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html")):
        return "a web page"
    if start.startswith(("{", "[")):
        return "JSON"
    return "XML of another sort" if start.startswith("<") else "plain text"
