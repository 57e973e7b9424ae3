"""Models of earlier settings, which sessions that began with them still ask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Closing(Protocol):
    """Something that must be closed once."""

    async def aclose(self) -> None: ...


class Retired:
    """Keeps models until the tasks that were at work when they retired are over."""

    def __init__(self) -> None:
        self._kept: list[tuple[Closing, frozenset[str]]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, models: Closing, at_work: Collection[str]) -> None:
        """`at_work` are the ids of the tasks that may ask them."""
        self._kept.append((models, frozenset(at_work)))

    async def let_go(self, at_work: Collection[str] = ()) -> None:
        """Close those that none of the tasks at work has begun with."""
        over = [models for models, tasks in self._kept if tasks.isdisjoint(at_work)]
        self._kept = [kept for kept in self._kept if kept[0] not in over]
        for models in over:
            await models.aclose()
