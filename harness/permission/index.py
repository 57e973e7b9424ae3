"""What texts hold, taken out of them when somebody first asks: most of it nobody ever asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """Grows with each text; `found` is all that `take` finds in them."""

    def __init__(self, take: Callable[[str], Iterable[T]]) -> None:
        self._take = take
        self._texts: list[str] = []
        self._found: set[T] = set()

    def add(self, text: str) -> None:
        """One text more."""
        self._texts.append(text)

    @property
    def found(self) -> set[T]:
        while self._texts:
            self._found.update(self._take(self._texts.pop()))
        return self._found
