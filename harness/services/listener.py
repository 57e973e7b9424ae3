"""A listener: what happens in a task, for one who may be as slow as he likes.

What he did not take waits for him in a bounded queue; then its oldest words go, and he is told how
many. Nobody who speaks ever waits for one who listens.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from harness.services.happening import Ended, Happening, Missed, Said, StepTaken, Void

WORDS = 20_000  # characters that wait for one listener
HAPPENINGS = 1_000  # of all kinds that do
PIECE = 1_000  # characters up to which words that wait become one piece


class Listener:
    """What happens in one task, one thing after the other: `async for happening in listener`.

    It goes on from attempt to attempt, until its holder leaves; for one reader.
    """

    def __init__(self) -> None:
        self._queue: deque[Happening] = deque()
        self.words = 0  # characters of them that wait
        self._arrived = asyncio.Event()

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Happening:
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        happening = self._queue.popleft()
        if isinstance(happening, Said):
            self.words -= len(happening.text)
        return happening

    @property
    def waiting(self) -> int:
        """How many happenings were not taken yet."""
        return len(self._queue)

    def put(self, happening: Happening) -> None:
        """Add what happened; never waits."""
        match happening:
            case Said(text):
                self.words += len(text)
            case Void():
                self._unsay()
        join(self._queue, happening)
        if self.words > WORDS:
            self._forget_words()
        if len(self._queue) > HAPPENINGS:
            self._forget_half()
        self._arrived.set()

    def _unsay(self) -> None:
        """Of an answer that is void, what waits needs not be told any more."""
        while self._queue and is_word(last := self._queue[-1]):
            self._queue.pop()
            self.words -= len(last.text) if isinstance(last, Said) else 0

    def _forget_words(self) -> None:
        """Half of the words go, the oldest; where they were, their number stands."""
        kept: deque[Happening] = deque()
        for each in self._queue:
            if isinstance(each, Said) and self.words > WORDS // 2:
                self.words -= len(each.text)
                join(kept, Missed(chars=len(each.text)))
            else:
                join(kept, each)
        self._queue = kept

    def _forget_half(self) -> None:
        """The older half goes, steps and all; an end among it stays, when there is no later one."""
        old = [self._queue.popleft() for _ in range(len(self._queue) // 2)]
        self.words = sum(len(each.text) for each in self._queue if isinstance(each, Said))
        ends = [each for each in (*old, *self._queue) if isinstance(each, Ended)]
        if ends and ends[-1] not in self._queue:
            self._queue.appendleft(ends[-1])
        self._queue.appendleft(missed(old))


def join(queue: deque[Happening], happening: Happening) -> None:
    """Add to a queue, as one with the last of it where both are of one kind."""
    match queue[-1] if queue else None, happening:
        case Said(before), Said(text) if len(before) < PIECE:
            queue[-1] = Said(before + text)
        case Missed() as before, Missed():
            queue[-1] = missed([before, happening])
        case Void(), Void():
            pass
        case _:
            queue.append(happening)


def is_word(happening: Happening) -> bool:
    """Whether it belongs to an answer that is still under way."""
    return isinstance(happening, Said) or (isinstance(happening, Missed) and not happening.steps)


def missed(old: Iterable[Happening]) -> Missed:
    """How much these are together."""
    chars = steps = 0
    for each in old:
        match each:
            case Said(text):
                chars += len(text)
            case StepTaken():
                steps += 1
            case Missed():
                chars, steps = chars + each.chars, steps + each.steps
    return Missed(chars, steps)
