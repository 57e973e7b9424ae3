"""The pool over the double of the server: loads, slots, contexts, and the faults of hosts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from harness.clock import SystemClock
from harness.config.priority import Priority
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Wish
from harness.models.pool.view import Spec
from harness.models.port import Asker, ModelMissing, ModelUnavailable
from tests.doubles.ollama import Answer, Fault, OllamaDouble, Rules, Weights
from tests.models.pool.using import P0, house, request
from tests.virtual_http import VirtualClock, in_virtual_time

GIB = 1 << 30
SLOW = Answer("Slowly said.", first_after=1.0)


def two(load: float = 2.0) -> list[Weights]:
    return [
        Weights("a:1b", size=7 * GIB, load_seconds=load),
        Weights("b:1b", size=7 * GIB, load_seconds=load),
    ]


@in_virtual_time
async def test_the_wait_for_a_load_is_told_apart_from_the_wait_in_line() -> None:
    double = OllamaDouble(two(), clock=VirtualClock(), answers=lambda _: SLOW)
    async with double, house(double) as at:
        first, second = await asyncio.gather(at.ask("a:1b"), at.ask("a:1b"))

    assert first.timings["load"] == second.timings["load"] == pytest.approx(2.0, abs=0.1)
    assert first.timings["queue"] == pytest.approx(0.0, abs=0.1)
    assert second.timings["queue"] == pytest.approx(1.0, abs=0.1)
    assert (first.host, first.why) == ("local", "its model is loaded")


@in_virtual_time
async def test_a_cold_load_does_not_eat_the_time_for_the_first_token() -> None:
    times = Timeouts(load=60.0, first_token=3.0, idle=3.0)
    double = OllamaDouble(two(30.0), clock=VirtualClock(), answers=lambda _: SLOW)
    async with double, house(double, timeouts=times) as at:
        reply = await at.ask("a:1b")

    assert reply.message.content == "Slowly said."


@in_virtual_time
async def test_what_must_leave_the_memory_is_unloaded_by_us_and_never_evicted() -> None:
    rules = Rules(memory=10 * GIB)
    async with OllamaDouble(two(), clock=VirtualClock(), rules=rules) as double:
        async with house(double, memory=10 * GIB) as at:
            for model in ("a:1b", "b:1b", "a:1b"):
                await at.ask(model)

            state = at.pool.snapshot()
        journal = double.engine.journal

    assert journal == ["load a:1b", "unload a:1b", "load b:1b", "unload b:1b", "load a:1b"]
    assert (state.counters.loads, state.counters.evictions) == (3, 2)


@pytest.mark.parametrize("memory", [None, 10 * GIB])
@in_virtual_time
async def test_two_staggered_clients_of_one_model_do_not_starve_another(memory: int | None) -> None:
    """The server would wait for ever until `a` is idle, for its own calls pass by the queue."""
    rules = Rules(memory=10 * GIB, parallel=2)
    double = OllamaDouble(two(), clock=VirtualClock(), rules=rules, answers=lambda _: SLOW)
    async with double, house(double, slots=2, memory=memory) as at:

        async def client(pause: float) -> None:
            await asyncio.sleep(pause)
            for _ in range(60):
                await at.ask("a:1b", agent="busy")

        clients = [asyncio.create_task(client(pause)) for pause in (0.0, 0.5)]
        await asyncio.sleep(5.0)

        reply = await at.ask("b:1b", agent="other")

        waited = reply.timings["queue"] + reply.timings["load"]
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    assert waited < 40.0  # a batch of 32 calls, two at a time, and the load
    assert "evict" not in " ".join(double.engine.journal) or memory is None


@in_virtual_time
async def test_profiles_that_want_different_contexts_share_one_load() -> None:
    async with OllamaDouble(two(), clock=VirtualClock()) as double, house(double) as at:
        large, small = (
            OllamaModel(at.pool, "a:1b", clock=at.clock, num_ctx=num_ctx)
            for num_ctx in (32_768, 4096)
        )
        await large.chat(request())

        for _ in range(3):
            await small.chat(request())
            await large.chat(request())
        bodies = double.chats

    assert double.engine.journal == ["load a:1b"]
    assert {body["options"]["num_ctx"] for body in bodies} == {32_768}


@in_virtual_time
async def test_a_model_that_another_program_took_out_is_loaded_again() -> None:
    async with OllamaDouble(two(), clock=VirtualClock()) as double, house(double) as at:
        await at.ask("a:1b")
        another = OllamaHost(double.url)
        await another.unload("a:1b")
        await another.aclose()
        await asyncio.sleep(90.0)

        await at.ask("a:1b")
        loads = [call for call in double.calls if call.path == "/api/generate"]

    assert double.engine.journal == ["load a:1b", "unload a:1b", "load a:1b"]
    assert len(loads) == 3


@in_virtual_time
async def test_a_dead_host_fails_at_once_and_is_tried_by_whoever_asks_next() -> None:
    async with OllamaDouble() as double:
        address = double.url
    async with house(double) as at:
        for _ in range(2):
            began = at.clock.monotonic()
            with pytest.raises(ModelUnavailable, match=f"nothing answers at {address}"):
                await at.ask("qwen3:8b")
            assert at.clock.monotonic() - began < 0.5
        port = int(address.rpartition(":")[2])

        async with OllamaDouble(port=port):
            reply = await at.ask("qwen3:8b")

        assert at.is_empty

    assert reply.message.content == "You said: hi"


@in_virtual_time
async def test_a_model_that_names_a_host_is_asked_there_alone() -> None:
    clock = VirtualClock()
    one, other = OllamaDouble(two(), clock=clock), OllamaDouble(two(), clock=clock)
    async with one, other, house([one, other]) as at:
        model = at.model("a:1b", hosts=frozenset({"second", "unknown"}))
        replies = await asyncio.gather(*(model.chat(request()) for _ in range(3)))

    assert {reply.host for reply in replies} == {"second"}


@in_virtual_time
async def test_a_model_is_not_loaded_twice_because_its_host_is_being_looked_at() -> None:
    clock = VirtualClock()
    one, other = OllamaDouble(clock=clock), OllamaDouble(clock=clock)
    async with one, other, house([one, other]) as at:
        first = await at.ask("qwen3:8b")
        await asyncio.sleep(100.0)
        for server in at.pool.fleet.servers.values():
            if server.name != first.host:  # what it holds is known, what the other does is not
                await at.pool.fleet.look_now(server)
        second = await at.ask("qwen3:8b")

    assert second.host == first.host
    assert sum("load" in line for line in one.engine.journal + other.engine.journal) == 1


@in_virtual_time
async def test_calls_go_to_the_host_that_answers_and_come_back_when_the_other_does() -> None:
    clock = VirtualClock()
    async with OllamaDouble(clock=clock) as well:
        async with OllamaDouble(clock=clock) as dead:
            port = int(dead.url.rpartition(":")[2])
        async with house([dead, well]) as at:
            first = await at.ask("qwen3:8b")
            async with OllamaDouble(clock=clock, port=port, answers=lambda _: SLOW) as again:
                await asyncio.sleep(11.0)
                both = await asyncio.gather(*(at.ask("qwen3:8b") for _ in range(12)))
                assert again.url == dead.url

    assert first.host == "second"
    assert {reply.host for reply in both} <= {"local", "second"}


@in_virtual_time
async def test_a_call_whose_host_dies_in_the_middle_begins_anew_at_another() -> None:
    clock, said = VirtualClock(), list[str | None]()
    broken = Answer("Half of it is lost.", fault=Fault.DROP, fault_after=1)
    one, two = OllamaDouble(clock=clock), OllamaDouble(clock=clock)
    async with one, two, house([one, two]) as at:
        first = (await at.ask("qwen3:8b")).host
        dying, well = (one, two) if first == "local" else (two, one)
        dying.say(broken)
        reply = await at.model("qwen3:8b").chat(request("hi"), said.append)
        await dying.away()
        again = await at.ask("qwen3:8b")
        well.say(broken)
        with pytest.raises(ModelUnavailable) as error:
            await at.ask("qwen3:8b")

    assert {first, reply.host} == {"local", "second"}
    assert said[:2] == ["Half of ", None]
    assert reply.message.content == "".join(piece for piece in said[2:] if piece)
    assert again.host == reply.host
    assert well.url in str(error.value)
    assert at.is_empty


@in_virtual_time
async def test_a_model_is_asked_for_where_it_is_on_the_disk() -> None:
    clock = VirtualClock()
    one, two = (OllamaDouble([model], clock=clock) for model in ("a:1b", "b:1b"))
    async with one, two, house([one, two]) as at:
        replies = [await at.ask(model) for model in ("a:1b", "b:1b")]
        with pytest.raises(ModelMissing, match="has no model c:1b") as error:
            await at.ask("c:1b")

    assert [reply.host for reply in replies] == ["local", "second"]
    assert error.value.hint == "ollama pull c:1b"
    assert not [call for call in one.calls + two.calls if call.body.get("model") == "c:1b"]


@in_virtual_time
async def test_a_load_that_fails_is_told_to_all_who_wait_and_only_to_them() -> None:
    stuck = [Weights("a:1b", load_seconds=3600), Weights("b:1b")]
    double = OllamaDouble(stuck, clock=VirtualClock())
    async with double, house(double, timeouts=Timeouts(load=10.0)) as at:
        calls = [at.start("a:1b"), at.start("a:1b"), at.start("b:1b")]
        first, second, third = await asyncio.gather(*calls, return_exceptions=True)

        assert at.is_empty

    assert "10 s, the time for loading" in str(first)
    assert str(first) == str(second)
    assert not isinstance(third, BaseException)


@in_virtual_time
async def test_who_hangs_up_does_not_end_a_load_that_others_wait_for() -> None:
    async with OllamaDouble(two(20.0), clock=VirtualClock()) as double, house(double) as at:
        first, second = at.start("a:1b"), at.start("a:1b")
        await asyncio.sleep(5.0)
        first.cancel()

        reply = await second

    assert reply.timings["load"] == pytest.approx(20.0, abs=0.5)
    assert double.engine.journal == ["load a:1b"]


@in_virtual_time
async def test_a_load_that_nobody_waits_for_makes_way_for_one_that_somebody_does() -> None:
    async with OllamaDouble(two(20.0), clock=VirtualClock()) as double, house(double) as at:
        given_up = at.start("a:1b")
        await asyncio.sleep(5.0)
        given_up.cancel()

        reply = await at.ask("b:1b")

    assert reply.timings["queue"] < 1.0
    assert double.engine.journal[-1] == "load b:1b"


@in_virtual_time
async def test_an_urgent_call_takes_a_slot_and_its_holder_begins_anew() -> None:
    double = OllamaDouble(two(), clock=VirtualClock())
    double.say(Answer("Never to be heard.", piece=4, piece_after=10.0), model="a:1b")
    async with double, house(double) as at:
        heard: list[str | None] = []
        longer = asyncio.create_task(at.model("a:1b").chat(request("long"), heard.append))
        await asyncio.sleep(15.0)

        urgent = await at.ask("a:1b", "now", **P0)
        reply = await longer
        outcomes = [call.outcome for call in double.calls if call.path == "/api/chat"]

        assert at.is_empty

    assert urgent.timings["queue"] < 0.5
    assert reply.message.content == "You said: long"
    assert reply.timings["sent_back"] == 1.0
    assert heard[heard.index(None) + 1 :] == ["You said", ": long"]
    assert outcomes == ["cancelled", "done", "done"]


@in_virtual_time
async def test_a_call_is_sent_back_only_once() -> None:
    slower = SLOW.but(first_after=20.0)
    double = OllamaDouble(two(), clock=VirtualClock(), answers=lambda _: slower)
    async with double, house(double) as at:
        longer = at.start("a:1b", "long")
        await asyncio.sleep(5.0)
        await at.ask("a:1b", "now", **P0)
        again = at.start("a:1b", "now too", **P0)
        await asyncio.sleep(25.0)
        third = at.start("a:1b", "and now", **P0)

        await asyncio.gather(longer, again, third)
        state = at.pool.snapshot()

    assert state.counters.sent_back == 1


@pytest.mark.parametrize("turns", [*range(12), 15, 20, 30, 50, 80])
async def test_a_call_that_is_cancelled_at_any_point_leaves_its_slot(turns: int) -> None:
    """After `turns` of the event loop: in line, while it loads, before and in the answer."""
    double = OllamaDouble(["a:1b"], answers=lambda _: Answer("Word by word by word.", piece=1))
    async with double, house(double, SystemClock()) as at:
        call = at.start("a:1b")
        for _ in range(turns):
            await asyncio.sleep(0)

        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

        assert at.is_empty
        assert (await at.ask("a:1b")).message.content == "Word by word by word."


@pytest.mark.parametrize("turns", range(8))
async def test_a_call_that_is_cancelled_while_it_is_sent_back_leaves_its_slot(turns: int) -> None:
    never = Answer("Never to be heard.", piece=4, fault=Fault.HANG, fault_after=1)
    async with OllamaDouble(["a:1b"]) as double, house(double, SystemClock()) as at:
        double.say(never)
        heard = asyncio.Event()
        model = at.model("a:1b")
        call = asyncio.create_task(model.chat(request(), lambda _: heard.set()))
        await heard.wait()
        urgent = at.start("a:1b", "now", **P0)
        for _ in range(turns):
            await asyncio.sleep(0)

        call.cancel()
        reply, _ = await asyncio.gather(urgent, call, return_exceptions=True)

        assert at.is_empty
        assert not isinstance(reply, BaseException)


@in_virtual_time
async def test_closing_tells_who_waits_and_leaves_nothing_behind() -> None:
    async with OllamaDouble(two(3600.0), clock=VirtualClock()) as double, house(double) as at:
        waiting = [at.start("a:1b"), at.start("b:1b")]
        await asyncio.sleep(5.0)

        await at.pool.aclose()
        ends = await asyncio.gather(*waiting, return_exceptions=True)

        assert at.is_empty

    assert [type(end) for end in ends] == [ModelUnavailable, ModelUnavailable]


@in_virtual_time
async def test_other_settings_go_on_with_what_is_loaded_and_running() -> None:
    clock = VirtualClock()
    double = OllamaDouble(two(), clock=clock, rules=Rules(parallel=2), answers=lambda _: SLOW)
    async with double, house(double) as at:
        calls = [at.start("a:1b") for _ in range(3)]
        await asyncio.sleep(2.5)

        hosts = [OllamaHost(double.url, name="local", slots=2)]
        at.pool.apply(hosts, at.pool.settings, at.pool.timeouts, {})
        await asyncio.sleep(0.1)
        (host,) = at.pool.snapshot().hosts
        await asyncio.gather(*calls)

    assert len(host.residents[0].running) == 2
    assert double.engine.journal == ["load a:1b"]


@in_virtual_time
async def test_a_model_is_loaded_before_its_job_is_due() -> None:
    async with OllamaDouble(two(20.0), clock=VirtualClock()) as double, house(double) as at:
        soon = at.clock.now() + timedelta(minutes=2)
        wish = Wish(Spec("a:1b", 16_384), asker=Asker(purpose="prefetch", priority=Priority.P2))

        begun = await at.pool.prefetch(wish, soon)
        await asyncio.sleep(30.0)
        again = await at.pool.prefetch(wish, soon)
        reply = await at.ask("a:1b")
        state = at.pool.snapshot()

    assert (begun, again) == (True, False)
    assert reply.timings["load"] + reply.timings["queue"] < 0.1
    assert state.counters.prefetched == state.counters.loads == 1


@in_virtual_time
async def test_no_model_is_loaded_ahead_where_one_is_due_sooner_or_somebody_works() -> None:
    rules = Rules(memory=10 * GIB)
    double = OllamaDouble(two(), clock=VirtualClock(), rules=rules, answers=lambda _: SLOW)
    async with double, house(double, memory=10 * GIB) as at:
        await at.ask("a:1b")
        now, wish = at.clock.now(), Wish(Spec("b:1b", 16_384))
        at.pool.expect({Spec("a:1b", 16_384): now + timedelta(minutes=1)})

        later = await at.pool.prefetch(wish, now + timedelta(minutes=2))
        busy = at.start("a:1b")
        await asyncio.sleep(0.5)
        at.pool.expect({})
        meanwhile = await at.pool.prefetch(wish, now + timedelta(minutes=2))
        await busy
        await asyncio.sleep(10.0)
        idle = await at.pool.prefetch(wish, now + timedelta(minutes=2))

    assert (later, meanwhile, idle) == (False, False, True)


@in_virtual_time
async def test_who_waits_for_a_host_that_the_settings_drop_is_told() -> None:
    double = OllamaDouble(two(30.0), clock=VirtualClock())
    async with double, house(double) as at:
        waiting = at.start("a:1b")
        await asyncio.sleep(1.0)

        at.pool.apply([], at.pool.settings, at.pool.timeouts, {})

        with pytest.raises(ModelUnavailable, match="no host local in the settings any more"):
            await waiting


async def test_a_pool_without_anything_to_do_says_so() -> None:
    state = Pool([OllamaHost("http://127.0.0.1:9", slots=3)]).snapshot()

    assert state.lines == ()
    assert (state.hosts[0].name, state.hosts[0].slots, state.hosts[0].looked) == ("local", 3, None)
