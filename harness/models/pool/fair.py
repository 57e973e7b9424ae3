"""A queue that is fair between those who ask: who has had least goes next, not who came first.

Start-time fair queueing (Goyal, Vin, Cheng 1996), every call at the cost of one: an asker's calls
bear numbers in a row, which begin at the number served last; the smallest goes next. So an asker
with a hundred calls and one with a single call take turns, and nobody saves up turns while away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from typing import Generic, TypeVar

T = TypeVar("T")


class Fair(Generic[T]):
    """The calls of one priority in one line. `alive` says whether one still waits."""

    def __init__(self, alive: Callable[[T], bool]) -> None:
        self._alive = alive
        self._flows: dict[str, deque[T]] = {}  # an asker's calls, as they came
        self._heads: list[tuple[int, int, str]] = []  # turn, arrival, asker: one for each flow
        self._next_turn: dict[str, int] = {}
        self._turn = 0  # of the call that was taken last
        self._arrivals = 0

    def push(self, asker: str, call: T) -> None:
        flow = self._flows.get(asker)
        if flow is not None:
            flow.append(call)
            return
        self._flows[asker] = deque([call])
        self._arrivals += 1
        turn = max(self._turn, self._next_turn.get(asker, 0))
        heappush(self._heads, (turn, self._arrivals, asker))

    def first(self) -> T | None:
        """The call that goes next."""
        while self._heads:
            asker = self._heads[0][2]
            flow = self._flows[asker]
            while flow and not self._alive(flow[0]):
                flow.popleft()
            if flow:
                return flow[0]
            heappop(self._heads)
            del self._flows[asker]
        return None

    def pop(self) -> T | None:
        """Take the call that goes next, and count it as a turn of its asker."""
        call = self.first()
        if call is None:
            return None
        turn, _, asker = self._heads[0]
        self._flows[asker].popleft()
        self._turn = turn
        self._next_turn[asker] = turn + 1
        self._arrivals += 1
        heapreplace(self._heads, (turn + 1, self._arrivals, asker))
        self._forget()
        return call

    def _forget(self) -> None:
        """Drop the numbers of those who have fallen behind: they would begin afresh anyway."""
        if len(self._next_turn) > 2 * len(self._flows) + 16:
            self._next_turn = {
                asker: turn for asker, turn in self._next_turn.items() if turn > self._turn
            }
