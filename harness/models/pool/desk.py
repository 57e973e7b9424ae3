"""Decides who has a slot and which model is loaded for whom, and does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from harness.clock import Clock
from harness.models.ollama_host import OllamaHost
from harness.models.pool import choice, early
from harness.models.pool.alarm import Alarm
from harness.models.pool.fleet import Fleet
from harness.models.pool.held import Held
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.server import Server
from harness.models.pool.sight import Looker, Sight
from harness.models.pool.terms import Terms
from harness.models.pool.trouble import closed, gone, none_of, stumbled
from harness.models.pool.view import BreakOff, Drain, Line, Load, Run, SendBack, Verdict, Why
from harness.models.pool.waiters import Ticket, Waiters

log = structlog.get_logger("pool")

MANY = 1000  # verdicts in a row, other than to begin a call: more are a mistake in the rules


class Desk:
    """Whoever changes something calls `stir`.

    Nothing is polled: what is to be done is decided whenever a call comes or ends, a load or a look
    is over, and when time alone changes the verdict; once for all that happens in one turn of the
    event loop.
    """

    def __init__(self, hosts: Sequence[OllamaHost], terms: Terms, clock: Clock) -> None:
        self.clock = clock
        self.terms = terms
        self.fleet = Fleet(hosts, clock, self.stir)
        self.waiters = Waiters()
        self.is_closed = False
        self._stirred: asyncio.Handle | None = None
        self._alarm = Alarm(clock, self.settle)

    async def aclose(self) -> None:
        """Fail who waits, end what is being loaded, and hang up."""
        self.is_closed = True
        for ticket in self.waiters:
            self.waiters.tell(ticket, closed())
        self._alarm.set(None)
        await self.fleet.aclose()

    def add(self, ticket: Ticket) -> None:
        """Have a call wait; one that waits alone has its slot at once, where there is one."""
        self.waiters.add(ticket)
        if len(self.waiters) > 1:
            self.stir()
        else:
            self.settle()

    def looker(self) -> Looker:
        return self.terms.looker(self.fleet)

    def stir(self) -> None:
        """Something has changed: have it settled in a moment, once for all that changes by then."""
        if self._stirred is None and len(self.waiters) and not self.is_closed:
            self._stirred = asyncio.get_running_loop().call_soon(self.settle)
        elif not len(self.waiters):
            self._alarm.set(None)

    def settle(self) -> None:
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
            self.stir()

    def _wake_at(self, sight: Sight | None) -> float | None:
        if sight is None:
            return None
        now = self.clock.monotonic()
        at = choice.wake_at(sight.lines, sight.hosts, now, self.terms.rules)
        ends = [end for end in self.fleet.rests_end() if end > now]
        return min([*ends, *([] if at is None else [at])], default=None)

    def _decide(self) -> Sight | None:
        """Act on verdicts until there is none; what was seen last, None when nobody waits."""
        looker, others = self.looker(), 0
        while len(self.waiters):
            sight = looker.sight(self.waiters.lines())
            for line in sight.hopeless:
                self._turn_away(line)
            now = self.clock.monotonic()
            verdict = choice.choose(sight.lines, sight.hosts, now, self.terms.rules)
            if isinstance(verdict, Run):
                self._begin(verdict, sight)
                looker.forget(verdict.host)
            elif verdict is not None:
                others += 1
                if others > MANY:
                    raise RuntimeError(f"no end of verdicts such as {verdict}")
                self._act(verdict)
                looker = self.looker()
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

    def _begin(self, verdict: Run, sight: Sight) -> None:
        """Give the next of a line its slot."""
        server = self.fleet.servers[verdict.host]
        held = server.held[verdict.line.spec.model]
        is_contended = verdict.host in sight.contended
        ticket = self.waiters.next(sight.origins[id(verdict.line)], verdict.why)
        if ticket.ready.done():  # cancelled a moment ago
            self.waiters.forget(ticket)
            return
        slot = self._slot(ticket, server, held, verdict.why)
        held.begun(slot)
        held.draining = False
        held.served += is_contended
        self.fleet.counters.calls += 1
        self.waiters.tell(ticket, slot)

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

    def prefetch(self, wish: Wish, due: datetime) -> bool:
        """Load a model before its calls come, if that keeps nobody waiting; whether it is begun."""
        spec, now, looker = self.terms.note(wish), self.clock.monotonic(), self.looker()
        names = self.fleet.names(wish.hosts)
        sight = looker.sight(self.waiters.lines())
        known = looker.ways(Line(spec, names, 0, wish.asker.priority, now, now)).known
        views = [looker.view(server, {spec}) for server in known]
        when, open_to = self.terms.moment(due), frozenset(server.name for server in known)
        verdict = early.prefetch(spec, open_to, when, sight.lines, views, now, self.terms.rules)
        if verdict is None:
            return False
        self._load(verdict)
        self.fleet.counters.prefetched += 1
        return True

    def _load(self, verdict: Load) -> None:
        server, order = self.fleet.servers[verdict.host], self.terms.order(verdict)
        self.fleet.load(server, order, is_wanted=verdict.why is not Why.PREFETCH)

    def _turn_away(self, line: Line) -> None:
        """Fail the calls of a line that no host serves."""
        servers, others = self.fleet.of(line.hosts), len(line.hosts) > 1
        spec = self.looker().loaded_as(line.spec)
        found = [self.fleet.trouble(server, spec, others=others) for server in servers]
        error = none_of([each for each in found if each]) if servers else gone(sorted(line.hosts))
        self.waiters.turn_away(line, error)

    def _turn_away_suspects(self) -> None:
        """Fail the calls of those lines on which alone nothing can be decided, else of all."""
        lines = [line for line in self.waiters.lines() if not self._is_sound(line)]
        for line in lines or self.waiters.lines():
            self.waiters.turn_away(line, stumbled())
        for ticket in self.waiters.strays():
            self.waiters.tell(ticket, stumbled())

    def _is_sound(self, line: Line) -> bool:
        try:
            sight = self.looker().sight([line])
            choice.choose(sight.lines, sight.hosts, self.clock.monotonic(), self.terms.rules)
        except Exception:  # as above
            return False
        return True
