"""Whose call runs where, and when: every call to an Ollama server waits here for its slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from harness.clock import Clock, SystemClock
from harness.config.settings import PoolSettings
from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.pool.call import TakenAway, answered
from harness.models.pool.desk import Desk
from harness.models.pool.lines import Waiting
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.state import PoolState, host_state, line_state
from harness.models.pool.terms import Terms
from harness.models.pool.trouble import closed, gone
from harness.models.pool.view import Spec
from harness.models.pool.waiters import Ticket
from harness.models.port import ModelBusy, ModelError, ModelUnavailable

T = TypeVar("T")


class Pool:
    """The slots of one or several hosts. Use `serve`, or `slot` where a call is never broken off.

    What is decided, and when, is the desk's matter. A model `join`s when it is made and `leave`s
    when it is closed; the last one to leave closes the pool and its connections.
    """

    def __init__(
        self,
        hosts: Sequence[OllamaHost],
        settings: PoolSettings | None = None,
        clock: Clock | None = None,
        timeouts: Timeouts | None = None,
        contexts: Mapping[str, int] | None = None,
    ) -> None:
        """`contexts`: with which num_ctx each model is loaded, at least."""
        self.clock = clock or SystemClock()
        self.terms = Terms(
            settings or PoolSettings(), timeouts or Timeouts(), contexts or {}, self.clock
        )
        self.desk = Desk(hosts, self.terms, self.clock)
        self.fleet = self.desk.fleet
        self._ids = count(1)
        self._members = 0

    @property
    def settings(self) -> PoolSettings:
        return self.terms.settings

    @property
    def timeouts(self) -> Timeouts:
        return self.terms.timeouts

    def join(self) -> None:
        self._members += 1
        self.desk.is_closed = False

    async def leave(self) -> None:
        self._members -= 1
        if self._members <= 0:
            await self.aclose()

    async def aclose(self) -> None:
        """Fail who waits, end what is being loaded, and hang up. Who asks later is refused."""
        await self.desk.aclose()

    def apply(
        self,
        hosts: Sequence[OllamaHost],
        settings: PoolSettings,
        timeouts: Timeouts,
        contexts: Mapping[str, int],
    ) -> None:
        """Go over to other settings. What is known of a host that stays, and the calls that it
        answers, stay; who waits for a host that goes is told."""
        self.terms.adopt(settings, timeouts, contexts, [each.wish for each in self.desk.waiters])
        self.fleet.apply(hosts)
        self.desk.waiters.move(self.fleet.names(None))
        self.desk.stir()

    async def serve(
        self,
        wish: Wish,
        work: Callable[[Slot], Coroutine[Any, Any, T]],
        void: Callable[[], None] = lambda: None,
    ) -> T:
        """What `work` makes of a slot. Raises what it raises, and a ModelError when there is none.

        When the slot goes to a more urgent call, `work` is cancelled, `void` is called, and `work`
        begins anew with the next slot: once at most.
        """
        try:
            return await self._serve(wish, work, None)
        except TakenAway as taken:
            void()
            return await self._serve(wish, work, taken.slot)

    @asynccontextmanager
    async def slot(self, wish: Wish, before: Slot | None = None) -> AsyncIterator[Slot]:
        """A slot, given back however the block is left. `before`: the one that was taken away.

        Raises the ModelError that keeps every host of the wish from serving it.
        """
        slot = await self._wait(wish, before)
        try:
            yield slot
        except BaseException as error:
            self._give_back(slot, error)
            raise
        self._give_back(slot, None)

    async def probe(self, model: str, hosts: frozenset[str] | None) -> str | None:
        """None when one of the hosts has the model now, else every host's reason."""
        if self.desk.is_closed:
            return str(closed())
        reasons = []
        for server in self.fleet.of(hosts):
            reason = await server.host.probe(model)
            if reason is None:
                return None
            reasons.append(reason)
        return "; ".join(reasons) or str(gone(sorted(hosts or ())))

    def others(self, wish: Wish, tried: Collection[str]) -> frozenset[str]:
        """The hosts that may serve a wish, as far as is known, besides those that were tried."""
        spec, servers = self.terms.note(wish), self.fleet.of(wish.hosts)
        able = [each for each in servers if not self.fleet.trouble(each, spec, others=True)]
        return frozenset(server.name for server in able) - frozenset(tried)

    def is_idle(self, hosts: frozenset[str] | None) -> bool:
        """Whether one of these hosts has nothing to do, and nobody waits for any of them."""
        servers = self.fleet.of(hosts)
        names = {server.name for server in servers}
        if any(not names.isdisjoint(line.hosts) for line in self.desk.waiters.lines()):
            return False
        return any(not server.running and server.loading is None for server in servers)

    def expect(self, plan: Mapping[Spec, datetime]) -> None:
        """Know when the schedule will want which model next, in the place of what was known."""
        self.terms.expect(plan)

    async def prefetch(self, wish: Wish, due: datetime) -> bool:
        """Load a model before its calls come, if that keeps nobody waiting; whether it is begun.
        Raises nothing: what is in the way is told to the calls themselves."""
        for server in self.fleet.of(wish.hosts):
            await self.fleet.look_now(server)
        return not self.desk.is_closed and self.desk.prefetch(wish, due)

    def snapshot(self) -> PoolState:
        """The pool as it stands."""
        now, servers = self.clock.monotonic(), list(self.fleet.servers.values())
        return PoolState(
            tuple(host_state(server, now) for server in servers),
            tuple(line_state(line, servers, now) for line in self.desk.waiters.lines()),
            replace(self.fleet.counters),
        )

    async def _serve(
        self, wish: Wish, work: Callable[[Slot], Coroutine[Any, Any, T]], before: Slot | None
    ) -> T:
        async with self.slot(wish, before) as slot:
            return await answered(slot, work, may_yield=before is None)

    async def _wait(self, wish: Wish, before: Slot | None) -> Slot:
        ticket = self._queue(wish, before)
        try:
            answer = await ticket.ready
        except asyncio.CancelledError as error:
            self._leave(ticket, error)
            raise
        if isinstance(answer, ModelError):
            raise answer
        return answer

    def _queue(self, wish: Wish, before: Slot | None) -> Ticket:
        if self.desk.is_closed:
            raise closed()
        servers = self.fleet.of(wish.hosts)
        if not servers:
            raise gone(sorted(wish.hosts or ()))
        spec = self.terms.note(wish)
        if all(server.trouble(spec) for server in servers):  # whoever asks anew, tries anew
            for server in servers:
                server.try_again(spec)
        ticket = self._ticket(wish, spec, before)
        self.desk.add(ticket)
        return ticket

    def _ticket(self, wish: Wish, spec: Spec, before: Slot | None) -> Ticket:
        since = self.clock.monotonic() if before is None else before.came
        asker, names = wish.asker, self.fleet.names(wish.hosts)
        again = 0 if before is None else before.sent_back + 1
        call = Waiting(
            next(self._ids), spec, names, asker.agent, asker.priority, since, wish.limit, again > 0
        )
        return Ticket(wish, call, asyncio.get_running_loop().create_future(), again)

    def _leave(self, ticket: Ticket, error: asyncio.CancelledError) -> None:
        """The caller does not wait any more; what it was given meanwhile is given back."""
        self.desk.waiters.forget(ticket)
        if ticket.ready.done() and not ticket.ready.cancelled():
            answer = ticket.ready.result()
            if isinstance(answer, Slot):
                self._give_back(answer, error)
        self.desk.stir()

    def _give_back(self, slot: Slot, error: BaseException | None) -> None:
        server, held, now = slot.server, slot.held, self.clock.monotonic()
        held.ended(slot, now)
        if error is None:
            held.sure = now
        elif isinstance(error, ModelUnavailable) and not isinstance(error, ModelBusy):
            server.doubt()
        self.fleet.dismissed(server)
        self.desk.stir()
