"""keep_alive as the server reads it: seconds, or a duration in Go's notation."""

from __future__ import annotations

import re

from tests.doubles.ollama.engine import FOREVER

_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def keep_alive_seconds(value: object) -> float | None:
    """None where nothing was asked; negative is for ever. Raises ValueError, in Go's words."""
    match value:
        case None:
            return None
        case bool():
            raise ValueError(f"invalid keep_alive value: {value}")
        case int() | float():
            return FOREVER if value < 0 else float(value)
        case str():
            return _go_duration(value)
        case _:
            raise ValueError(f"invalid keep_alive value: {value}")


def _go_duration(text: str) -> float:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    if digits == "0":
        return 0.0
    if re.fullmatch(r"\d+(?:\.\d+)?", digits):
        raise ValueError(f'time: missing unit in duration "{text}"')
    parts = _PART.findall(digits)
    if "".join(number + unit for number, unit in parts) != digits or not parts:
        raise ValueError(f'time: invalid duration "{text}"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return FOREVER if sign < 0 else seconds
