"""Any life of a pool: calls come, end, fail and are cancelled, hosts break down and change."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harness.config.priority import Priority
from harness.config.settings import PoolSettings
from harness.models.pool import choice
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.state import PoolState
from harness.models.pool.view import Spec
from harness.models.port import Asker, ModelError, ModelUnavailable
from tests.models.pool.fake_host import FakeHost
from tests.simulation.virtual import VirtualClock, VirtualLoop

MODELS = ("a:1b", "b:1b", "c:1b")
NAMES = ("left", "right")
TURNS = 80  # of the event loop, after which all that can be decided at once is decided
FOR_EVER = 20_000.0


class Life(RuleBasedStateMachine):
    """Each rule does one thing and lets a few turns of the event loop pass."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.clock = VirtualClock()
        self.hosts = {name: host(name) for name in NAMES}
        self.away = set[str]()  # by the settings
        self.pool: Pool
        self.calls: list[asyncio.Task[None]] = []
        self.working = 0

    @initialize(preempt=st.booleans(), batch=st.integers(1, 6))
    def begin(self, preempt: bool, batch: int) -> None:
        rules = PoolSettings(preempt=preempt, batch=batch)
        self.pool = self.run(self.made(rules))

    async def made(self, rules: PoolSettings) -> Pool:
        pool = Pool(list(self.hosts.values()), rules, self.clock)
        pool.join()
        return pool

    @rule(
        model=st.sampled_from(MODELS),
        agent=st.sampled_from("xyz"),
        priority=st.sampled_from(Priority),
        names=st.sampled_from([None, *NAMES]),
        seconds=st.sampled_from([0.0, 0.5, 5.0, 60.0]),
        calls=st.integers(1, 4),
    )
    def ask(
        self,
        model: str,
        agent: str,
        priority: Priority,
        names: str | None,
        seconds: float,
        calls: int,
    ) -> None:
        hosts = None if names is None else frozenset({names})
        wish = Wish(Spec(model, 4096), hosts, Asker(agent, None, priority))
        work = partial(self.work, model, seconds)
        for _ in range(calls):
            self.calls.append(self.loop.create_task(self.pool.serve(wish, work)))
        self.turn()

    async def work(self, model: str, seconds: float, slot: Slot) -> None:
        self.working += 1
        try:
            server = slot.host
            assert isinstance(server, FakeHost)
            await server.answer(model, seconds)
        finally:
            self.working -= 1

    @rule(which=st.integers(0, 99), turns=st.integers(0, 4))
    def cancel(self, which: int, turns: int) -> None:
        open_calls = [call for call in self.calls if not call.done()]
        if open_calls:
            self.turn(turns)
            open_calls[which % len(open_calls)].cancel()
            self.turn()

    @rule(seconds=st.sampled_from([0.005, 0.5, 3.0, 20.0, 700.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))
        self.turn()

    @rule(name=st.sampled_from(NAMES))
    def break_down(self, name: str) -> None:
        self.hosts[name].fault = ModelUnavailable(f"{name} is broken")

    @rule(name=st.sampled_from(NAMES))
    def mend(self, name: str) -> None:
        self.hosts[name].fault = None

    @rule(
        away=st.sampled_from([None, *NAMES]),
        slots=st.integers(1, 3),
        num_ctx=st.sampled_from([0, 4096, 8192]),
    )
    def change_settings(self, away: str | None, slots: int, num_ctx: int) -> None:
        """A host that comes back is another one: what it held is gone with it."""
        for name in self.away - {away}:
            self.hosts[name] = host(name)
        self.away = {away} if away else set()
        hosts = [host(name, slots) for name in NAMES if name != away]
        for each in hosts:
            if each.name not in self.pool.fleet.servers:
                self.hosts[each.name] = each
        contexts = {"a:1b": num_ctx} if num_ctx else {}
        self.run(self.changed(hosts, contexts))
        self.turn()

    async def changed(self, hosts: list[FakeHost], contexts: dict[str, int]) -> None:
        self.pool.apply(hosts, self.pool.settings, self.pool.timeouts, contexts)

    @invariant()
    def everybody_waits_or_works(self) -> None:
        if not hasattr(self, "pool"):
            return
        state = self.run(self.looked())
        open_calls = sum(not call.done() for call in self.calls)
        waiting = sum(line.waiting for line in state.lines)

        assert waiting + self.working == open_calls
        assert waiting == len(list(self.pool.desk.waiters))

    @invariant()
    def nobody_waits_who_could_go(self) -> None:
        if hasattr(self, "pool"):
            assert self.run(self.verdict()) is None

    async def verdict(self) -> object:
        desk, now = self.pool.desk, self.clock.monotonic()
        sight = desk.looker().sight(desk.waiters.lines())
        verdict = choice.choose(sight.lines, sight.hosts, now, desk.terms.rules)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return verdict

    async def looked(self) -> PoolState:
        return self.pool.snapshot()

    def turn(self, turns: int = TURNS) -> None:
        async def turned() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.run(turned())
        for call in self.calls:
            if call.done() and not call.cancelled() and (error := call.exception()):
                assert isinstance(error, ModelError), error
        self.calls = [call for call in self.calls if not call.done()]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if hasattr(self, "pool"):
            for each in self.hosts.values():
                each.fault = None
            if self.calls:
                self.run(asyncio.wait(self.calls, timeout=FOR_EVER))
            late = [call for call in self.calls if not call.done()]
            journals = {host.name: host.journal[-4:] for host in self.hosts.values()}
            assert not late, (self.run(self.looked()), journals)
            self.turn()
            running = sum(server.running for server in self.pool.fleet.servers.values())
            assert (running, len(list(self.pool.desk.waiters)), self.working) == (0, 0, 0)
            self.run(self.pool.aclose())
            self.turn()
            assert not [task for task in self.loop.tasks if not task.done()]
        self.loop.close()


def host(name: str, slots: int = 2) -> FakeHost:
    return FakeHost(name, slots=slots, disk=MODELS)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
