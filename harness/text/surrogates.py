"""Halves of surrogate pairs: JSON can say them, a model writes them, UTF-8 and SQLite cannot."""

from __future__ import annotations

import json
from typing import Any


def whole(text: str) -> str:
    """The text with two halves in a row made one sign, and each lone half U+FFFD."""
    if is_whole(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole_json(value: Any) -> Any:
    """The same for every key and text in a value that JSON can hold."""
    text = json.dumps(value, ensure_ascii=False)
    return value if is_whole(text) else json.loads(whole(text))


def is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
