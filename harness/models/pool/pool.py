"""Whose call runs where, and when: every call to an Ollama server waits here for its slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

import structlog

from harness.clock import Clock, SystemClock
from harness.config.settings import PoolSettings
from harness.models.ollama_host import OllamaHost, full_name
from harness.models.patience import Timeouts
from harness.models.pool import choice, early
from harness.models.pool.alarm import Alarm
from harness.models.pool.fleet import Fleet
from harness.models.pool.held import Held
from harness.models.pool.lines import Waiting
from harness.models.pool.loading import Order
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.server import Server
from harness.models.pool.showing import ViewRules
from harness.models.pool.sight import Looker, Sight
from harness.models.pool.state import PoolState, host_state, line_state
from harness.models.pool.trouble import closed, gone, none_of, stumbled
from harness.models.pool.view import (
    BreakOff,
    Drain,
    Line,
    Load,
    Rules,
    Run,
    SendBack,
    Spec,
    Verdict,
    Why,
)
from harness.models.pool.waiters import Ticket, Waiters
from harness.models.port import ModelBusy, ModelError, ModelUnavailable

log = structlog.get_logger("pool")

MANY = 1000  # verdicts in a row, other than to begin a call: more are a mistake in the rules

T = TypeVar("T")


class TakenAway(Exception):
    """The slot went to a more urgent call."""

    def __init__(self, slot: Slot) -> None:
        super().__init__(slot.id)
        self.slot = slot


class Pool:
    """The slots of one or several hosts. Use `serve`, or `slot` where a call is never broken off.

    Nothing is polled: what is to be done is decided whenever a call comes or ends, a load or a look
    is over, and when time alone changes the verdict; once for all that happens in one turn of the
    event loop. A model `join`s when it is made and `leave`s when it is closed; the last one to
    leave closes the pool and its connections.
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
        self.fleet = Fleet(hosts, self.clock, self._stir)
        self._waiters = Waiters()
        self._ids = count(1)
        self._members = 0
        self._closed = False
        self._stirred: asyncio.Handle | None = None
        self._alarm = Alarm(self.clock, self._settle)
        self._dues: dict[Spec, float] = {}
        self._manner: dict[str, Wish] = {}  # the last wish for each model: how it is loaded
        self._adopt(settings or PoolSettings(), timeouts or Timeouts(), contexts or {})

    def join(self) -> None:
        self._members += 1
        self._closed = False

    async def leave(self) -> None:
        self._members -= 1
        if self._members <= 0:
            await self.aclose()

    async def aclose(self) -> None:
        """Fail who waits, end what is being loaded, and hang up. Who asks later is refused."""
        self._closed = True
        for ticket in self._waiters:
            self._waiters.tell(ticket, closed())
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
        self._move()
        self._stir()

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
        if self._closed:
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
        spec, servers = self._noted(wish), self.fleet.of(wish.hosts)
        able = [each for each in servers if not self.fleet.trouble(each, spec, others=True)]
        return frozenset(server.name for server in able) - frozenset(tried)

    def is_idle(self, hosts: frozenset[str] | None) -> bool:
        """Whether one of these hosts has nothing to do, and nobody waits for any of them."""
        servers = self.fleet.of(hosts)
        names = {server.name for server in servers}
        if any(not names.isdisjoint(line.hosts) for line in self._waiters.lines()):
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
        if self._closed:
            return False
        spec, now, looker = self._noted(wish), self.clock.monotonic(), self._looker()
        names = self.fleet.names(wish.hosts)
        sight = looker.sight(self._waiters.lines())
        known = looker.ways(Line(spec, names, 0, wish.asker.priority, now, now)).known
        views = [looker.view(server, {spec}) for server in known]
        when = now + (due - self.clock.now()).total_seconds()
        open_to = frozenset(server.name for server in known)
        verdict = early.prefetch(spec, open_to, when, sight.lines, views, now, self._rules)
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
            tuple(line_state(line, servers, now) for line in self._waiters.lines()),
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
            if slot.is_sent_back and has_failed(task):
                raise TakenAway(slot)
            return task.result()

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
        if self._closed:
            raise closed()
        servers = self.fleet.of(wish.hosts)
        if not servers:
            raise gone(sorted(wish.hosts or ()))
        spec = self._noted(wish)
        if all(server.trouble(spec) for server in servers):  # whoever asks anew, tries anew
            for server in servers:
                server.try_again(spec)
        ticket = self._ticket(wish, spec, before)
        self._waiters.add(ticket)
        if len(self._waiters) > 1:
            self._stir()
        else:
            self._settle()
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
        self._waiters.forget(ticket)
        if ticket.ready.done() and not ticket.ready.cancelled():
            answer = ticket.ready.result()
            if isinstance(answer, Slot):
                self._give_back(answer, error)
        self._stir()

    def _give_back(self, slot: Slot, error: BaseException | None) -> None:
        server, held, now = slot.server, slot.held, self.clock.monotonic()
        held.ended(slot, now)
        if error is None:
            held.sure = now
        elif isinstance(error, ModelUnavailable) and not isinstance(error, ModelBusy):
            server.doubt()
        self.fleet.dismissed(server)
        self._stir()

    def _move(self) -> None:
        """Let those who wait for any host wait for those that there are now."""
        for ticket in self._waiters:
            names = self.fleet.names(None)
            if ticket.wish.hosts is None and ticket.call.hosts != names and names:
                self._waiters.forget(ticket)
                ticket.call = replace(ticket.call, hosts=names)
                self._waiters.add(ticket)

    def _stir(self) -> None:
        """Something has changed: have it settled in a moment, once for all that changes by then."""
        if self._stirred is None and len(self._waiters) and not self._closed:
            self._stirred = asyncio.get_running_loop().call_soon(self._settle)
        elif not len(self._waiters):
            self._alarm.set(None)

    def _settle(self) -> None:
        """Do what is to be done now, and be woken when time alone changes that.

        An error in here is one of ours. It costs those whom it concerns their call, and nobody
        else's: a pool that decides no more would let every agent wait for ever.
        """
        if self._stirred is not None:
            self._stirred.cancel()
            self._stirred = None
        try:
            self._alarm.set(self._wake_at(self._decide()))
        except Exception:  # the boundary to all who wait
            log.exception("the pool cannot decide")
            self._turn_away_suspects()
            self._stir()

    def _wake_at(self, sight: Sight | None) -> float | None:
        if sight is None:
            return None
        now = self.clock.monotonic()
        at = choice.wake_at(sight.lines, sight.hosts, now, self._rules)
        ends = [end for end in self.fleet.rests_end() if end > now]
        return min([*ends, *([] if at is None else [at])], default=None)

    def _decide(self) -> Sight | None:
        """Act on verdicts until there is none; what was seen last, None when nobody waits."""
        looker, others = self._looker(), 0
        while len(self._waiters):
            sight = looker.sight(self._waiters.lines())
            for line in sight.hopeless:
                self._turn_away(line)
            now = self.clock.monotonic()
            verdict = choice.choose(sight.lines, sight.hosts, now, self._rules)
            if isinstance(verdict, Run):
                self._run(verdict, sight)
                looker.forget(verdict.host)
            elif verdict is not None:
                others += 1
                if others > MANY:
                    raise RuntimeError(f"no end of verdicts such as {verdict}")
                self._act(verdict)
                looker = self._looker()
            elif not sight.hopeless:
                self.fleet.give_up_loads(sight.waiting)
                return sight
        return None

    def _act(self, verdict: Verdict) -> None:
        server = self.fleet.servers[verdict.host]
        match verdict:
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
            case BreakOff():
                self.fleet.break_off(server)

    def _run(self, verdict: Run, sight: Sight) -> None:
        """Give the next of a line its slot."""
        server = self.fleet.servers[verdict.host]
        held = server.held[verdict.line.spec.model]
        is_contended = verdict.host in sight.contended
        ticket = self._waiters.next(sight.origins[id(verdict.line)], verdict.why)
        if ticket.ready.done():  # cancelled a moment ago
            self._waiters.forget(ticket)
            return
        slot = self._slot(ticket, server, held, verdict.why)
        held.begun(slot)
        held.draining = False
        held.served += is_contended
        self.fleet.counters.calls += 1
        self._waiters.tell(ticket, slot)

    def _slot(self, ticket: Ticket, server: Server, held: Held, why: Why) -> Slot:
        call, now = ticket.call, self.clock.monotonic()
        load = server.load_seconds(call.spec.model, since=call.since)
        return Slot(
            id=call.id,
            server=server,
            held=held,
            wish=ticket.wish,
            why=why,
            came=call.since,
            began=now,
            queued=max(now - call.since - load, 0.0),
            load=load,
            sent_back=ticket.sent_back,
        )

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
        spec = self._looker().loaded_as(line.spec)
        found = [self.fleet.trouble(server, spec, others=others) for server in servers]
        error = none_of([each for each in found if each]) if servers else gone(sorted(line.hosts))
        self._waiters.turn_away(line, error)

    def _turn_away_suspects(self) -> None:
        """Fail the calls of those lines on which alone nothing can be decided, else of all."""
        lines = [line for line in self._waiters.lines() if not self._is_sound(line)]
        for line in lines or self._waiters.lines():
            self._waiters.turn_away(line, stumbled())
        for ticket in self._waiters.strays():
            self._waiters.tell(ticket, stumbled())

    def _is_sound(self, line: Line) -> bool:
        try:
            sight = self._looker().sight([line])
            choice.choose(sight.lines, sight.hosts, self.clock.monotonic(), self._rules)
        except Exception:  # as above
            return False
        return True

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
        for ticket in self._waiters:
            self._noted(ticket.wish)

    def _looker(self) -> Looker:
        dues = {spec.model: due for spec, due in self._dues.items()}
        old = self.clock.monotonic() - self._rules.patience
        return Looker(self.fleet, self._contexts, ViewRules(old, dues))


def has_failed(task: asyncio.Task[Any]) -> bool:
    """Whether a call that is over has no answer: it was cancelled, or broke as it was."""
    return task.cancelled() or isinstance(task.exception(), ModelError)


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
