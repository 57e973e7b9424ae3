"""Who waits for a slot, and how they are told that they wait no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.view import Line, Spec, Why
from harness.models.port import ModelError

Key = tuple[Spec, frozenset[str], int | None]


@dataclass(eq=False)
class Ticket:
    """A call that waits."""

    wish: Wish
    call: Waiting
    ready: asyncio.Future[Slot | ModelError]
    sent_back: int  # how often it had a slot before

    @property
    def key(self) -> Key:
        return self.call.spec, self.call.hosts, self.call.limit


class Waiters:
    """Tickets by the line they wait in. None costs more for the number of those who wait, but to
    turn a whole line away."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._tickets: dict[Key, dict[int, Ticket]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Ticket]:
        """All, as they came."""
        found = [ticket for tickets in self._tickets.values() for ticket in tickets.values()]
        return iter(sorted(found, key=lambda ticket: ticket.call.id))

    def lines(self) -> list[Line]:
        return self._lines.views()

    def add(self, ticket: Ticket) -> None:
        self._lines.push(ticket.call)
        self._tickets.setdefault(ticket.key, {})[ticket.call.id] = ticket

    def move(self, hosts: frozenset[str]) -> None:
        """Let those who wait for any host wait for these, where there are any."""
        for ticket in self:
            if ticket.wish.hosts is None and ticket.call.hosts != hosts and hosts:
                self.forget(ticket)
                ticket.call = replace(ticket.call, hosts=hosts)
                self.add(ticket)

    def next(self, line: Line, why: Why) -> Ticket:
        """The ticket that a verdict about this line means. It counts as one that waits until it is
        told, but is in no line any more. Raises KeyError."""
        call = self._lines.take(line, why)
        return self._tickets[call.spec, call.hosts, call.limit][call.id]

    def tell(self, ticket: Ticket, answer: Slot | ModelError) -> None:
        """End the wait. Who does not wait any more, since he was cancelled, is not told."""
        self.forget(ticket)
        if not ticket.ready.done():
            ticket.ready.set_result(answer)

    def forget(self, ticket: Ticket) -> None:
        self._lines.cancel(ticket.call.id)
        tickets = self._tickets.get(ticket.key, {})
        tickets.pop(ticket.call.id, None)
        if not tickets:
            self._tickets.pop(ticket.key, None)

    def strays(self) -> list[Ticket]:
        """Those who are in no line and were told nothing: something broke in between."""
        return [ticket for ticket in self if ticket.call not in self._lines]

    def turn_away(self, line: Line, error: ModelError) -> None:
        """Tell all who wait in a line that there is no slot for them."""
        key = (line.spec, line.hosts, line.limit)
        for ticket in list(self._tickets.get(key, {}).values()):
            self.tell(ticket, error)
