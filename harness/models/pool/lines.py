"""The calls that wait: a line for each model and set of hosts, fair between those who ask."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from harness.config.priority import Priority
from harness.models.pool.fair import Fair
from harness.models.pool.view import Line, Spec, Why


@dataclass(frozen=True)
class Waiting:
    """One call that waits for its slot. `id` is its own for as long as it waits."""

    id: int
    spec: Spec
    hosts: frozenset[str]
    agent: str
    priority: Priority
    since: float  # when it came; one that was sent back keeps its time
    limit: int | None = None
    sent_back: bool = False  # it held a slot before: it goes to the front of its priority


Key = tuple[Spec, frozenset[str], int | None]
Aged = tuple[float, int, Waiting]  # since, arrival


class Lines:
    """All lines. Push, take and cancel cost O(log n), views O(number of lines)."""

    def __init__(self) -> None:
        self._queues: dict[Key, _Queue] = {}
        self._keys: dict[int, Key] = {}

    def push(self, call: Waiting) -> None:
        """Let a call wait. Raises ValueError where one with its id waits already."""
        if call.id in self._keys:
            raise ValueError(f"call {call.id} waits already")
        key = (call.spec, call.hosts, call.limit)
        self._queues.setdefault(key, _Queue(key)).push(call)
        self._keys[call.id] = key

    def cancel(self, id: int) -> Waiting | None:
        """Take a call out that nobody waits for any more; None when it is not here."""
        key = self._keys.get(id)
        return None if key is None else self._gone(key, self._queues[key].remove(id))

    def take(self, line: Line, why: Why) -> Waiting:
        """The call that a verdict about this line means; it waits no more.

        Because of its age a line gives its oldest call, and every other time the next, so that
        neither the old ones nor those of another asker wait for the end of the other.
        Raises KeyError when nobody waits in that line.
        """
        key = (line.spec, line.hosts, line.limit)
        return self._gone(key, self._queues[key].take(by_age=why is Why.AGED))

    def views(self) -> list[Line]:
        """The lines as `choose` wants them, in the order in which they came to be."""
        return [queue.view() for queue in self._queues.values()]

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, call: Waiting) -> bool:
        return call.id in self._keys

    def _gone(self, key: Key, call: Waiting) -> Waiting:
        del self._keys[call.id]
        if not len(self._queues[key]):
            del self._queues[key]
        return call


class _Queue:
    """The calls of one line. A call that is gone stays in the heaps until it comes to the top."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self._calls: dict[int, Waiting] = {}
        self._pushed = 0
        self._ages: list[Aged] = []
        self._back: dict[Priority, list[Aged]] = {each: [] for each in Priority}
        self._fair = {each: Fair(self._waits) for each in Priority}
        self._old_turn = False  # whether the last one went because of its age
        self._view: Line | None = None  # as it was when last asked, while nothing has changed

    def __len__(self) -> int:
        return len(self._calls)

    def push(self, call: Waiting) -> None:
        self._calls[call.id] = call
        self._view = None
        self._pushed += 1
        aged = (call.since, self._pushed, call)
        heappush(self._ages, aged)
        if call.sent_back:
            heappush(self._back[call.priority], aged)
        else:
            self._fair[call.priority].push(call.agent, call)

    def remove(self, id: int) -> Waiting:
        call = self._calls.pop(id)
        self._view = None
        if len(self._ages) > 2 * len(self._calls) + 16:
            self._ages = [each for each in self._ages if self._waits(each[2])]
            heapify(self._ages)
        return call

    def take(self, by_age: bool) -> Waiting:
        self._old_turn = by_age and not self._old_turn
        if self._old_turn:
            return self.remove(self._oldest().id)
        return self.remove(self._pop_next().id)

    def view(self) -> Line:
        if self._view is None:
            self._view = self._look()
        return self._view

    def _look(self) -> Line:
        spec, hosts, limit = self.key
        head, oldest = self._next(), self._oldest()
        waiting = len(self._calls)
        return Line(spec, hosts, waiting, head.priority, oldest.since, head.since, limit)

    def _oldest(self) -> Waiting:
        call = self._top(self._ages)
        assert call is not None, "a line without calls is dropped"
        return call

    def _next(self) -> Waiting:
        for priority in Priority:
            call = self._top(self._back[priority]) or self._fair[priority].first()
            if call is not None:
                return call
        raise AssertionError("a line without calls is dropped")

    def _pop_next(self) -> Waiting:
        call = self._next()
        if call.sent_back:
            heappop(self._back[call.priority])
        else:
            self._fair[call.priority].pop()
        return call

    def _top(self, heap: list[Aged]) -> Waiting | None:
        while heap and not self._waits(heap[0][2]):
            heappop(heap)
        return heap[0][2] if heap else None

    def _waits(self, call: Waiting) -> bool:
        return self._calls.get(call.id) is call
