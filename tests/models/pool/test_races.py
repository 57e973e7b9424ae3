"""What happens at one moment: calls that leave, errors of our own, settings that change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.config.settings import PoolSettings
from harness.models.pool import choice
from harness.models.pool.desk import Desk
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.sight import Looker
from harness.models.pool.view import Spec
from harness.models.port import Asker, ModelUnable, ModelUnavailable
from tests.models.pool.fake_host import FakeHost
from tests.models.pool.using import P0
from tests.virtual_http import VirtualClock, in_virtual_time

SPEC = Spec("a:1b", 4096)


def wish(model: str = "a:1b", num_ctx: int = 4096, **asker: Any) -> Wish:
    return Wish(Spec(model, num_ctx), asker=Asker(**asker))


def pool_of(*hosts: FakeHost, **settings: Any) -> Pool:
    pool = Pool(hosts, PoolSettings(**settings), VirtualClock())
    pool.join()
    return pool


async def one_second(slot: Slot) -> str:
    server = slot.host
    assert isinstance(server, FakeHost)
    await server.answer(slot.held.model, 1.0)
    return server.name


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def apply(pool: Pool, *hosts: FakeHost, contexts: dict[str, int] | None = None) -> None:
    pool.apply(hosts, pool.settings, pool.timeouts, contexts or {})


@in_virtual_time
async def test_an_error_of_our_own_in_one_line_costs_nobody_else_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool, ways = pool_of(FakeHost()), Looker.find_ways

    def stumble(looker: Looker, line: Any) -> Any:
        if line.spec.model == "b:1b":
            raise RuntimeError("injected")
        return ways(looker, line)

    monkeypatch.setattr(Looker, "find_ways", stumble)
    calls = [pool.serve(wish(model), one_second) for model in ("a:1b", "b:1b", "a:1b")]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    await pool.aclose()

    assert (ends[0], ends[2]) == ("local", "local")
    assert "an error of its own" in str(ends[1])


@pytest.mark.parametrize("name", ["choose", "wake_at", "contended"])
@in_virtual_time
async def test_an_error_of_our_own_fails_those_who_wait_and_not_those_who_come(
    name: str,
) -> None:
    pool = pool_of(FakeHost(slots=1))
    await pool.serve(wish(), one_second)
    calls = [asyncio.create_task(pool.serve(wish(), one_second)) for _ in range(3)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, name, broken)
        await turns()

    told = await asyncio.gather(*calls, return_exceptions=True)
    reply = await pool.serve(wish(), one_second)
    state = pool.snapshot()
    await pool.aclose()

    assert "an error of its own" in str(told[-1])
    assert reply == "local"
    assert not state.lines
    assert not state.hosts[0].residents[0].running


@in_virtual_time
async def test_a_call_whose_slot_breaks_in_the_making_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = pool_of(FakeHost())
    await pool.serve(wish(), one_second)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "_slot", broken)
        with pytest.raises(ModelUnavailable, match="an error of its own"):
            await asyncio.wait_for(pool.serve(wish(), one_second), 60)

    assert await pool.serve(wish(), one_second) == "local"
    await pool.aclose()


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("injected")


@in_virtual_time
async def test_verdicts_without_end_do_not_hold_up_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = pool_of(FakeHost())
    monkeypatch.setattr(Desk, "_act", lambda *_: None)

    with pytest.raises(ModelUnavailable, match="an error of its own"):
        await asyncio.wait_for(pool.serve(wish(), one_second), 60)

    await pool.aclose()


@in_virtual_time
async def test_a_slot_that_nobody_took_is_no_proof_that_its_model_is_there() -> None:
    pool = pool_of(FakeHost())
    await pool.serve(wish(), one_second)
    (server,) = pool.fleet.servers.values()
    sure = server.held["a:1b"].sure
    await asyncio.sleep(30.0)
    call = asyncio.create_task(pool.serve(wish(), one_second))
    await asyncio.sleep(0)

    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await pool.aclose()

    assert server.held["a:1b"].sure == sure


@pytest.mark.parametrize("after", range(6))
@in_virtual_time
async def test_a_pool_closed_at_any_moment_serves_again_once_it_is_joined(after: int) -> None:
    pool = pool_of(FakeHost())
    call = asyncio.create_task(pool.serve(wish(), one_second))
    await turns(after)

    await pool.aclose()
    with pytest.raises(ModelUnavailable, match="the pool of models is closed"):
        await pool.serve(wish(), one_second)
    await asyncio.gather(call, return_exceptions=True)
    pool.join()
    reply = await asyncio.wait_for(pool.serve(wish(), one_second), 60)
    await pool.aclose()

    assert reply == "local"
    assert len(asyncio.all_tasks()) == 1


@in_virtual_time
async def test_a_load_given_up_is_cancelled_once_and_its_host_looked_at_before_the_next() -> None:
    host = FakeHost(load_seconds=20.0)
    pool = pool_of(host)
    call = asyncio.create_task(pool.serve(wish("a:1b"), one_second))
    await asyncio.sleep(5.0)
    call.cancel()

    others = [asyncio.create_task(pool.serve(wish("b:1b"), one_second)) for _ in range(4)]
    for other in others[1:]:
        await asyncio.sleep(0.01)
        other.cancel()
    await others[0]
    await pool.aclose()

    assert host.journal == ["hang up on a:1b", "no a:1b", "load b:1b 4096"]


@in_virtual_time
async def test_a_look_in_the_middle_of_a_load_brings_back_nobody_who_is_leaving() -> None:
    host = FakeHost(models=1, load_seconds=5.0)
    pool = pool_of(host)
    await pool.serve(wish("a:1b"), one_second)
    call = asyncio.create_task(pool.serve(wish("b:1b"), one_second))
    await asyncio.sleep(1.0)
    host.memory_holds["a:1b"] = 4096  # as a server has it until its memory is free

    (server,) = pool.fleet.servers.values()
    await server.look(disk=False)
    held = set(server.held)
    del host.memory_holds["a:1b"]
    await call
    await pool.aclose()

    assert held == set()


@in_virtual_time
async def test_who_waits_for_any_host_goes_over_to_those_of_other_settings() -> None:
    old, new = FakeHost("old", load_seconds=60.0), FakeHost("new")
    pool = pool_of(old)
    anywhere = asyncio.create_task(pool.serve(wish(), one_second))
    there = Wish(SPEC, frozenset({"old"}))
    bound = asyncio.create_task(pool.serve(there, one_second))
    await asyncio.sleep(1.0)

    apply(pool, new)
    told = await asyncio.gather(anywhere, bound, return_exceptions=True)
    await pool.aclose()

    assert told[0] == "new"
    assert "no host old in the settings any more" in str(told[1])
    assert old.closed == 1


@in_virtual_time
async def test_fewer_slots_are_kept_as_soon_as_calls_end_and_more_are_used_at_once() -> None:
    host = FakeHost(slots=3)
    pool = pool_of(host)
    calls = [asyncio.create_task(pool.serve(wish(), one_second)) for _ in range(9)]
    seen = []
    for slots in (3, 1, 2):
        apply(pool, FakeHost(slots=slots))
        await asyncio.sleep(0.1 if slots == 2 else 2.5)
        seen.append(sum(each.running for each in pool.fleet.servers.values()))
    await asyncio.gather(*calls)
    await pool.aclose()

    assert seen == [3, 1, 2]


@in_virtual_time
async def test_a_context_that_grows_costs_one_load_once_its_model_is_idle() -> None:
    host = FakeHost()
    pool = pool_of(host)
    calls = [asyncio.create_task(pool.serve(wish(), one_second)) for _ in range(6)]
    await asyncio.sleep(2.5)

    apply(pool, FakeHost(), contexts={"a:1b": 8192})
    larger = [pool.serve(wish(num_ctx=8192), one_second) for _ in range(4)]
    smaller = [pool.serve(wish(num_ctx=4096), one_second) for _ in range(4)]
    await asyncio.gather(*calls, *larger, *smaller)
    await pool.aclose()

    assert host.journal == ["load a:1b 4096", "unload a:1b", "load a:1b 8192"]


@in_virtual_time
async def test_an_urgent_call_has_its_slot_though_the_one_sent_back_fails_on_its_way_out() -> None:
    host = FakeHost(slots=1)
    pool, tries = pool_of(host), 0

    async def clumsy(slot: Slot) -> str:
        nonlocal tries
        tries += 1
        try:
            return await one_second(slot)
        except asyncio.CancelledError:
            raise ModelUnavailable("the connection broke while it was closed") from None

    longer = asyncio.create_task(pool.serve(wish(), clumsy))
    await asyncio.sleep(2.5)
    await pool.serve(wish("a:1b", 4096, **P0), one_second)
    reply = await longer
    await pool.aclose()

    assert (reply, tries) == ("local", 2)


@in_virtual_time
async def test_a_context_that_shrinks_while_a_call_waits_costs_no_load_at_all() -> None:
    host = FakeHost(slots=1)
    pool = pool_of(host)
    calls = [asyncio.create_task(pool.serve(wish(), one_second))]
    apply(pool, FakeHost(slots=1), contexts={"a:1b": 8192})
    await asyncio.sleep(2.5)
    calls += [asyncio.create_task(pool.serve(wish(), one_second)) for _ in range(3)]
    await asyncio.sleep(0.1)

    apply(pool, FakeHost(slots=1))
    await asyncio.wait_for(asyncio.gather(*calls), 60)
    await pool.aclose()

    assert host.journal == ["load a:1b 8192"]


@in_virtual_time
async def test_a_load_that_fails_is_told_to_those_who_came_before_the_context_grew() -> None:
    host = FakeHost(load_seconds=2.0)
    pool = pool_of(host)
    host.load_fault = ModelUnable("too large")
    first = asyncio.create_task(pool.serve(wish(), one_second))
    await asyncio.sleep(0.005)  # in which the host is asked what it holds

    apply(pool, FakeHost(), contexts={"a:1b": 8192})
    told = await asyncio.gather(asyncio.wait_for(first, 60), return_exceptions=True)
    await pool.aclose()

    assert str(told[0]) == "too large"
