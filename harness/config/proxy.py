"""`http://host:port`: the proxy of the settings, as people write it."""

from __future__ import annotations

import re

from harness.config.endpoint import parse_endpoint

_WRITTEN = re.compile(r"http://([^\s/?#\\@]+)/?", re.IGNORECASE)


def parse_proxy(text: str) -> tuple[str, int]:
    """The host and the port of a proxy. Raises ValueError, without any password in its words."""
    if "@" in text:
        raise ValueError("a proxy with a user name or a password is not supported")
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no proxy; it is written http://host:port")
    try:
        return parse_endpoint(match[1])
    except ValueError as error:
        raise ValueError(f"{text!r} is no proxy; it is written http://host:port") from error
