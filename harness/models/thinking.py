"""What a model thinks aloud between `<think>` marks is not part of its answer."""

from __future__ import annotations

import re
from collections.abc import Callable

OPEN, CLOSE = "<think>", "</think>"
_BLOCK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


def without_thinking(text: str) -> str:
    """`text` without its thinking, also where only one of the two marks is there.

    Some chat templates write the opening mark themselves, so that the text begins in the middle
    of a thought; a reply cut at its limit lacks the closing one.
    """
    spoken = _BLOCK.sub("", text)
    return spoken.rpartition(CLOSE)[2].strip()


class Speech:
    """Collects a streamed text, and hands on what is not its opening thought."""

    def __init__(self, on_delta: Callable[[str], None] | None = None) -> None:
        self._on_delta = on_delta
        self._pieces: list[str] = []
        self._held = ""  # what may still turn out to be a thought
        self._speaking = False

    @property
    def text(self) -> str:
        return without_thinking("".join(self._pieces))

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        if self._on_delta is not None:
            self._hand_on(piece, self._on_delta)

    def _hand_on(self, piece: str, on_delta: Callable[[str], None]) -> None:
        if not self._speaking:
            self._held += piece
            piece = self._after_thought()
        if piece:
            on_delta(piece)

    def _after_thought(self) -> str:
        """What may be said of the text held back; empty while that is not known."""
        while (begun := self._held.lstrip()).startswith(OPEN):
            _, closed, self._held = begun.partition(CLOSE)
            if not closed:
                self._held = begun
                return ""
        if OPEN.startswith(begun):
            return ""
        self._speaking = True
        return begun
