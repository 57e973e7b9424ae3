"""Where answers stand for a while: bounded in number and bytes, the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.models.port import Reply, Usage

MOST_ANSWERS = 512
MOST_BYTES = 8 * 1024 * 1024
OVERHEAD = 1024  # bytes of an answer besides its text


@dataclass(frozen=True)
class Kept:
    """An answer, until when it may be given, and what it is found by besides its key."""

    reply: Reply
    until: float  # monotonic
    room: str = ""
    vector: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, about."""
        return OVERHEAD + len(self.reply.message.content.encode()) + 32 * len(self.vector)

    @property
    def again(self) -> Reply:
        """The answer as it is given again: nothing is spent, and what it took once is told."""
        return replace(
            self.reply, cached=True, saved=self.reply.usage, usage=Usage(), timings={}, host=""
        )


class Shelf:
    """Answers by key. In memory only: they hold what agents were told and said."""

    def __init__(self, answers: int = MOST_ANSWERS, most_bytes: int = MOST_BYTES) -> None:
        self.answers = answers
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str, now: float) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.until:
            self.drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: str, kept: Kept) -> None:
        """Keep it; one larger than the whole shelf is not kept."""
        self.drop(key)
        if kept.size > self.most_bytes:
            return
        self._kept[key] = kept
        self.bytes += kept.size
        while self.bytes > self.most_bytes or len(self._kept) > self.answers:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self.bytes -= kept.size

    def of_room(self, room: str, now: float) -> Iterator[tuple[str, Kept]]:
        """Those of one room that may still be given."""
        return (
            (key, kept)
            for key, kept in self._kept.items()
            if kept.room == room and now < kept.until
        )
