"""The forms in which a value that is known to be secret may stand in a text."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote, quote_plus

SHORTEST = 6  # characters of a known value; `1` or `true` would mask half of every text
SHORTEST_CODE = 8  # characters of a coded form: shorter ones stand in other words by chance


def forms_of(values: Iterable[str], mask: str) -> tuple[str, ...]:
    """All forms of the values, the longest first; none of them is a part of `mask`."""
    told = {form for value in values for form in (value, value.strip())}
    forms = {form for value in told if len(value) >= SHORTEST for form in _forms(value)}
    return tuple(sorted((form for form in forms if form not in mask), key=len, reverse=True))


def in_json(forms: Iterable[str]) -> tuple[str, ...]:
    """The same forms as they stand in JSON that keeps its characters."""
    return tuple({json.dumps(form, ensure_ascii=False)[1:-1] for form in forms})


def _forms(value: str) -> Iterator[str]:
    """The value itself, and as JSON, Python, URL, HTML, base64 and hex write it."""
    yield value
    raw = value.encode("utf-8", "surrogatepass")
    yield from in_json((value,))
    yield from in_json(in_json((value,)))
    plain_json = json.dumps(value)[1:-1]
    yield from (plain_json, *in_json((plain_json,)), repr(value)[1:-1], escape(value))
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw), quote_plus(raw, safe="/"))
    yield from (form for form in _coded(raw) if len(form) >= SHORTEST_CODE)


def _coded(raw: bytes) -> Iterator[str]:
    """Its base64, also as part of something longer: then it begins at one of three places, and
    the letters at its edges belong to its neighbours as well."""
    yield b64encode(raw).decode()
    yield urlsafe_b64encode(raw).decode()
    for before in range(3):
        whole = b64encode(bytes(before) + raw).decode().rstrip("=")
        core = whole[(0, 2, 3)[before] : (len(raw) + before) * 8 // 6]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))
    yield raw.hex()
    yield raw.hex().upper()
