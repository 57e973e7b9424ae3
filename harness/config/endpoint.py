"""`host:port`, as people write it."""

from __future__ import annotations

from harness.text.words import clip

LONGEST_ECHO = 60  # characters of a wrong text that the error repeats


def parse_endpoint(text: str) -> tuple[str, int]:
    """The host, in small letters and without brackets, and the port. Raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{clip(text, LONGEST_ECHO)!r} is no host:port")
    return host.lower().removeprefix("[").removesuffix("]"), int(port)
