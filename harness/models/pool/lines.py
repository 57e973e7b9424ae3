"""The calls that wait: a line for each model and set of hosts, fair between those who ask."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.priority import Priority
from harness.models.pool.view import Line, Spec, Why


@dataclass(frozen=True)
class Waiting:
    """One call that waits for its slot."""

    id: int
    spec: Spec
    hosts: frozenset[str]
    agent: str
    priority: Priority
    since: float  # when it came; one that was sent back keeps its time
    limit: int | None = None
    sent_back: bool = False  # it held a slot before: it goes to the front of its priority


class Lines:
    """All lines. Push, take and cancel cost O(log n); views O(number of lines)."""

    def push(self, call: Waiting) -> None: ...

    def cancel(self, id: int) -> Waiting | None:
        """Take a call out that nobody waits for any more; None when it is not here."""

    def take(self, line: Line, why: Why) -> Waiting:
        """The call that a verdict about this line means; it waits no more."""
        raise NotImplementedError

    def views(self) -> list[Line]:
        """The lines as `choose` wants them."""
        return []

    def __len__(self) -> int:
        return 0
