"""Addresses: found in text, and brought to the form in which two of them can be compared."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_URL = re.compile(r"https?://[^\s<>\"'`\]\)}]+", re.IGNORECASE)
_TRACKING = re.compile(
    r"^(?:utm_\w+|at_\w+|ns_\w+|fbclid|gclid|dclid|msclkid|igshid|mc_[ce]id|ref|ref_src|source"
    r"|cmpid|cmp|ito|smid|partner|guccounter|spm|_hs\w+|trk)$",
    re.IGNORECASE,
)

_SCHEME = re.compile(r"http(?=s?://\S)", re.IGNORECASE)


def inert(text: str) -> str:
    """The text with its addresses in a form that no program follows or previews: `hxxp://`."""
    return _SCHEME.sub("hxxp", text)


def find_urls(text: str) -> list[str]:
    """The http addresses in `text`, each once, in order, without the sentence's own marks."""
    found = (match.rstrip(".,;:!?*_") for match in _URL.findall(text))
    return list(dict.fromkeys(found))


def canonical_url(url: str) -> str:
    """The address without what does not tell pages apart.

    Scheme, `www.`, default port, fragment, trailing slash and tracking parameters go; the order
    of the other parameters goes too. What is no web address comes back stripped of white space.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        return text
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return text
    place = host if port in {None, 80, 443} else f"{host}:{port}"
    kept = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.match(name)
    )
    query = f"?{urlencode(kept, errors='replace')}" if kept else ""
    return f"{place}{parts.path.rstrip('/')}{query}"


def link_target(url: str) -> str:
    """The address as it may stand between the round brackets of a Markdown link."""
    return quote(url.strip(), safe="!#$&'*+,/:;=?@[]~%", errors="replace")


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def site_of(url: str) -> str:
    """The domain that somebody owns, as far as its form tells: `b.test` of `a.b.test`, `c.co.uk`
    of `d.c.co.uk`. Its hosts are one, for it costs nothing to have a thousand of them."""
    host = host_of(url)
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host
    second = labels[-2] if len(labels) > 2 else ""
    return ".".join(labels[-3:] if len(labels[-1]) == 2 and len(second) <= 3 else labels[-2:])
