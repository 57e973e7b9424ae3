"""Whose call runs where, and when: every call to an Ollama server waits here for its slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from harness.clock import Clock, SystemClock
from harness.config.settings import PoolSettings
from harness.models.ollama_host import OllamaHost, full_name
from harness.models.patience import Timeouts
from harness.models.pool import choice
from harness.models.pool.alarm import Alarm
from harness.models.pool.fleet import Fleet
from harness.models.pool.lines import Lines, Waiting
from harness.models.pool.loading import Order
from harness.models.pool.residents import ViewRules
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.sight import Looker, Sight
from harness.models.pool.state import PoolState, host_state, line_state
from harness.models.pool.trouble import gone, none_of
from harness.models.pool.view import Drain, Line, Load, Rules, Run, SendBack, Spec, Verdict, Why
from harness.models.port import ModelBusy, ModelError, ModelUnavailable

T = TypeVar("T")


class TakenAway(Exception):
    """The slot went to a more urgent call."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot.id)
        self.slot = slot


@dataclass(eq=False)
class Ticket:
    """A call that waits, and how it is told that it waits no more."""

    wish: Wish
    call: Waiting
    ready: asyncio.Future[Slot | ModelError]
    sent_back: int


class Pool:
    """The slots of one or several hosts. Use `serve`, or `slot` where a call is never broken off.

    Nothing is polled: what is to be done is decided whenever a call comes or ends, a load or a look
    is over, and when time alone changes the verdict. A model `join`s when it is made and `leave`s
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
        self.fleet = Fleet(hosts, self.clock, self._settle)
        self._lines = Lines()
        self._tickets: dict[int, Ticket] = {}
        self._ids = count(1)
        self._members = 0
        self._alarm = Alarm(self.clock, self._settle)
        self._dues: dict[Spec, float] = {}
        self._manner: dict[str, Wish] = {}  # the last wish for each model: how it is loaded
        self._adopt(settings or PoolSettings(), timeouts or Timeouts(), contexts or {})

    def join(self) -> None:
        self._members += 1

    async def leave(self) -> None:
        self._members -= 1
        if self._members <= 0:
            await self.aclose()

    async def aclose(self) -> None:
        """Fail who waits, end what is being loaded, and hang up."""
        for ticket in list(self._tickets.values()):
            self._answer(ticket, ModelUnavailable("the pool of models was closed meanwhile"))
        self._alarm.set(None)
        await self.fleet.aclose()

    def apply(
        self,
        hosts: Sequence[OllamaHost],
        settings: PoolSettings,
        timeouts: Timeouts,
        contexts: Mapping[str, int],
    ) -> None:
        """Go over to other settings. What is known of a host that stays, and the calls that it
        answers, stay; who waits for a host that goes is told."""
        self._adopt(settings, timeouts, contexts)
        self.fleet.apply(hosts)
        self._settle()

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
        reasons = []
        for server in self.fleet.of(hosts):
            reason = await server.host.probe(model)
            if reason is None:
                return None
            reasons.append(reason)
        return "; ".join(reasons) or str(gone(sorted(hosts or ())))

    def is_idle(self, hosts: frozenset[str] | None) -> bool:
        """Whether one of these hosts has nothing to do, and nobody waits for any of them."""
        servers = self.fleet.of(hosts)
        names = {server.name for server in servers}
        if any(not names.isdisjoint(line.hosts) for line in self._lines.views()):
            return False
        return any(not server.running and server.loading is None for server in servers)

    def expect(self, plan: Mapping[Spec, datetime]) -> None:
        """Know when the schedule will want which model next, in the place of what was known."""
        now, steady = self.clock.now(), self.clock.monotonic()
        self._dues = {
            Spec(full_name(spec.model), spec.num_ctx): steady + (when - now).total_seconds()
            for spec, when in plan.items()
        }

    async def prefetch(self, wish: Wish, due: datetime) -> bool:
        """Load a model before its calls come, if that keeps nobody waiting; whether it is begun.
        Raises nothing: what is in the way is told to the calls themselves."""
        for server in self.fleet.of(wish.hosts):
            await self.fleet.look_now(server)
        spec, now, looker = self._noted(wish), self.clock.monotonic(), self._looker()
        names = frozenset(server.name for server in self.fleet.of(wish.hosts))
        sight = looker.sight(self._lines.views())
        able = looker.able(Line(spec, names, 0, wish.asker.priority, now, now))
        views = [looker.view(server, {spec}) for server in able]
        when = now + (due - self.clock.now()).total_seconds()
        open_to = frozenset(server.name for server in able)
        verdict = choice.prefetch(spec, open_to, when, sight.lines, views, now, self._rules)
        if verdict is None:
            return False
        self._load(verdict)
        self.fleet.counters.prefetched += 1
        return True

    def snapshot(self) -> PoolState:
        """The pool as it stands."""
        now, servers = self.clock.monotonic(), list(self.fleet.servers.values())
        return PoolState(
            tuple(host_state(server, now) for server in servers),
            tuple(line_state(line, servers, now) for line in self._lines.views()),
            replace(self.fleet.counters),
        )

    async def _serve(
        self, wish: Wish, work: Callable[[Slot], Coroutine[Any, Any, T]], before: Slot | None
    ) -> T:
        async with self.slot(wish, before) as slot:
            task = asyncio.create_task(work(slot), name=f"call {slot.id}")
            if before is None:
                slot.on_sent_back = task.cancel
            await ended(task, slot)
            if task.cancelled() and slot.is_sent_back:
                raise TakenAway(slot)
            return task.result()

    async def _wait(self, wish: Wish, before: Slot | None) -> Slot:
        ticket = self._queue(wish, before)
        try:
            answer = await ticket.ready
        except asyncio.CancelledError:
            self._leave(ticket)
            raise
        if isinstance(answer, ModelError):
            raise answer
        return answer

    def _queue(self, wish: Wish, before: Slot | None) -> Ticket:
        servers = self.fleet.of(wish.hosts)
        if not servers:
            raise gone(sorted(wish.hosts or ()))
        spec, names = self._noted(wish), frozenset(server.name for server in servers)
        if all(server.trouble(spec) for server in servers):  # whoever asks anew, tries anew
            for server in servers:
                server.try_again(spec)
        since = self.clock.monotonic() if before is None else before.came
        asker, again = wish.asker, before is not None
        call = Waiting(
            next(self._ids), spec, names, asker.agent, asker.priority, since, wish.limit, again
        )
        ready = asyncio.get_running_loop().create_future()
        ticket = Ticket(wish, call, ready, before.sent_back + 1 if before else 0)
        self._tickets[call.id] = ticket
        self._lines.push(call)
        self._settle()
        return ticket

    def _leave(self, ticket: Ticket) -> None:
        """The caller does not wait any more; what it was given meanwhile is given back."""
        answered = ticket.ready.done() and not ticket.ready.cancelled()
        if answered and isinstance(slot := ticket.ready.result(), Slot):
            self._give_back(slot, None)
        elif not answered:
            self._tickets.pop(ticket.call.id, None)
            self._lines.cancel(ticket.call.id)
            self._settle()

    def _answer(self, ticket: Ticket, error: ModelError) -> None:
        self._tickets.pop(ticket.call.id, None)
        self._lines.cancel(ticket.call.id)
        if not ticket.ready.done():
            ticket.ready.set_result(error)

    def _give_back(self, slot: Slot, error: BaseException | None) -> None:
        server, held, now = slot.server, slot.held, self.clock.monotonic()
        held.ended(slot, now)
        if error is None:
            held.sure = now
        elif isinstance(error, ModelUnavailable) and not isinstance(error, ModelBusy):
            server.doubt()
        self.fleet.dismissed(server)
        self._settle()

    def _settle(self) -> None:
        """Do what is to be done now, and be woken when time alone changes that."""
        sight = self._decide()
        if sight is None:
            self._alarm.set(None)
            return
        now = self.clock.monotonic()
        at = choice.wake_at(sight.lines, sight.hosts, now, self._rules)
        ends = [end for end in self.fleet.rests_end() if end > now]
        self._alarm.set(min([*ends, *([] if at is None else [at])], default=None))

    def _decide(self) -> Sight | None:
        """Act on verdicts until there is none; what was seen last, None when nobody waits."""
        while len(self._lines):
            sight = self._looker().sight(self._lines.views())
            for line in sight.hopeless:
                self._turn_away(line)
            now = self.clock.monotonic()
            verdict = choice.choose(sight.lines, sight.hosts, now, self._rules)
            if verdict is not None:
                self._act(verdict, sight)
            elif not sight.hopeless:
                self.fleet.give_up_loads(self._lines.views())
                return sight
        return None

    def _act(self, verdict: Verdict, sight: Sight) -> None:
        server = self.fleet.servers[verdict.host]
        match verdict:
            case Run():
                self._run(verdict, sight)
            case Load():
                if server.is_fresh():
                    self._load(verdict)
                else:
                    self.fleet.look(server)
            case Drain():
                for spec in verdict.evict:
                    server.held[spec.model].draining = True
            case SendBack():
                for held in server.held.values():
                    for id in held.running.keys() & verdict.calls:
                        held.running[id].send_back()
                        self.fleet.counters.sent_back += 1

    def _run(self, verdict: Run, sight: Sight) -> None:
        """Give the next of a line its slot."""
        call = self._lines.take(sight.origins[id(verdict.line)], verdict.why)
        ticket = self._tickets.pop(call.id)
        if ticket.ready.done():  # cancelled a moment ago
            return
        server, now = self.fleet.servers[verdict.host], self.clock.monotonic()
        held = server.held[call.spec.model]
        load = server.load_seconds(call.spec.model, since=call.since)
        slot = Slot(
            id=call.id,
            server=server,
            held=held,
            wish=ticket.wish,
            why=verdict.why,
            came=call.since,
            began=now,
            queued=max(now - call.since - load, 0.0),
            load=load,
            sent_back=ticket.sent_back,
        )
        held.begun(slot)
        held.draining = False
        held.served += server.name in choice.contended(sight.lines, sight.hosts)
        self.fleet.counters.calls += 1
        ticket.ready.set_result(slot)

    def _load(self, verdict: Load) -> None:
        spec = verdict.line.spec
        wish = self._manner[spec.model]
        keep_alive = self.settings.keep_alive if wish.keep_alive is None else wish.keep_alive
        order = Order(
            spec,
            wish.spec.model,
            keep_alive,
            wish.embeds,
            tuple(evicted.model for evicted in verdict.evict),
            self.timeouts.load,
        )
        self.fleet.load(
            self.fleet.servers[verdict.host], order, is_wanted=verdict.why is not Why.PREFETCH
        )

    def _turn_away(self, line: Line) -> None:
        """Fail the calls of a line that no host serves."""
        servers, others = self.fleet.of(line.hosts), len(line.hosts) > 1
        found = [self.fleet.trouble(server, line.spec, others=others) for server in servers]
        error = none_of([each for each in found if each]) if servers else gone(sorted(line.hosts))
        for ticket in list(self._tickets.values()):
            if (ticket.call.spec, ticket.call.hosts) == (line.spec, line.hosts):
                self._answer(ticket, error)

    def _noted(self, wish: Wish) -> Spec:
        """The model as it is to be loaded for a wish; how is remembered."""
        model = full_name(wish.spec.model)
        self._manner[model] = wish
        self._contexts[model] = max(self._contexts.get(model, 0), wish.spec.num_ctx)
        return Spec(model, self._contexts[model])

    def _adopt(
        self, settings: PoolSettings, timeouts: Timeouts, contexts: Mapping[str, int]
    ) -> None:
        self.settings, self.timeouts = settings, timeouts
        self._rules = Rules(settings.patience.total_seconds(), settings.batch, settings.preempt)
        self._contexts = {full_name(model): num_ctx for model, num_ctx in contexts.items()}
        for ticket in self._tickets.values():
            self._noted(ticket.wish)

    def _looker(self) -> Looker:
        dues = {spec.model: due for spec, due in self._dues.items()}
        old = self.clock.monotonic() - self._rules.patience
        return Looker(self.fleet, self._contexts, ViewRules(old, dues))


async def ended(task: asyncio.Task[T], slot: Slot) -> None:
    """Wait for the end of a call. When we are cancelled, so is the call, once in all: a second time
    would break into the closing of its connection, and the server would go on with the answer."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        slot.on_sent_back = None
        if not slot.is_sent_back:
            task.cancel()
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # it is of no use to anybody now
        raise
