"""How long an Ollama server keeps a model in memory, as the server itself reads it."""

from __future__ import annotations

import re
from math import isfinite
from typing import Annotated

from pydantic import BeforeValidator

# Go's notation of a duration (time.ParseDuration), without its special case "0"
_GO = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
FORM = "`keep_alive` should be seconds or like 15m or 1h30m; below zero keeps the model for ever"


def keep_alive(value: object) -> float | str:
    """A number of seconds, or a duration that the server can read. Raises ValueError.

    A text of digits alone becomes a number: as text the server refuses it, and with it every
    call.
    """
    if isinstance(value, str):
        text = value.strip()
        if _GO.fullmatch(text):
            return text
        value = float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(FORM)
    try:
        seconds = float(value)
    except OverflowError:  # of a whole number with more digits than any float
        raise ValueError(FORM) from None
    if not isfinite(seconds):
        raise ValueError(FORM)
    return seconds


KeepAlive = Annotated[float | str, BeforeValidator(keep_alive)]
