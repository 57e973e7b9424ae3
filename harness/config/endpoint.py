"""`host:port`, as people write it."""

from __future__ import annotations


def parse_endpoint(text: str) -> tuple[str, int]:
    """The host, in small letters and without brackets, and the port. Raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no host:port")
    return host.lower().removeprefix("[").removesuffix("]"), int(port)
