"""Ids that sort by time: ULIDs (github.com/ulid/spec), 26 characters of Crockford's base 32."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from harness.clock import Clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80


class Ids:
    """Makes ids; two of one millisecond still sort in the order they were made."""

    def __init__(self, clock: Clock, bits: Callable[[int], int] = secrets.randbits) -> None:
        self.clock = clock
        self.bits = bits
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        millis = int(self.clock.now().timestamp() * 1000)
        with self._lock:
            fresh = millis << RANDOM_BITS | self.bits(RANDOM_BITS)
            # a clock that stepped back must not make ids that sort before older ones
            self._last = max(fresh, self._last + 1)
            return encode(self._last)


def earliest_id(moment: datetime) -> str:
    """What no id made at that moment or later sorts before."""
    return encode(int(moment.timestamp() * 1000) << RANDOM_BITS)


def encode(number: int) -> str:
    """A 128-bit number as 26 base-32 characters, most significant first."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
