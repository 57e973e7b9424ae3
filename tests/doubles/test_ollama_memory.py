"""The double's GPU: what fits, what is half outside, what comes back late, and how fast it is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.doubles.ollama import Answer, Load, OllamaDouble, Rules, Trouble, Weights
from tests.doubles.ollama.engine import GIB
from tests.doubles.ollama.known import DENSE, EMBEDDER, EXPERTS, LLAMA
from tests.virtual_http import VirtualClock, in_virtual_time

HI = [{"role": "user", "content": "hi"}]
BIG = [Weights(f"{name}:9b", size=9 * GIB, load_seconds=10) for name in "abc"]


async def ask(double: OllamaDouble, path: str = "/api/chat", **body: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=None) as http:
        if path == "/api/chat":
            body = {"messages": HI, "stream": False, **body}
        return await http.post(f"{double.url}{path}", json=body)


async def running(double: OllamaDouble) -> dict[str, dict[str, Any]]:
    async with httpx.AsyncClient(timeout=None) as http:
        models = (await http.get(f"{double.url}/api/ps")).json()["models"]
    return {model["name"]: model for model in models}


@in_virtual_time
async def test_the_cache_of_keys_and_values_grows_with_context_and_slots() -> None:
    async with OllamaDouble([DENSE], rules=Rules(parallel=2), clock=VirtualClock()) as double:
        await ask(double, model="qwen3:8b", options={"num_ctx": 8192})
        (shown,) = (await running(double)).values()

    assert shown["size"] == DENSE.size + 2 * 8192 * 147_456
    assert shown["size_vram"] == shown["size"]


@in_virtual_time
async def test_a_model_larger_than_the_memory_runs_partly_on_the_cpu_and_slowly() -> None:
    clock = VirtualClock()
    async with OllamaDouble([EXPERTS], rules=Rules(memory=12 * GIB), clock=clock) as double:
        double.say(Answer("x" * 400))
        answer = (await ask(double, model="qwen3:30b-a3b")).json()
        (shown,) = (await running(double)).values()

    assert shown["size_vram"] == 12 * GIB < shown["size"]
    assert answer["eval_duration"] > 3 * 100 * EXPERTS.token_seconds * 1e9


@in_virtual_time
async def test_after_an_eviction_the_server_waits_for_its_memory() -> None:
    clock = VirtualClock()
    async with OllamaDouble(BIG, rules=Rules(recover_seconds=1.5), clock=clock) as double:
        for name in ("a:9b", "b:9b", "c:9b"):
            await ask(double, model=name)

        assert double.engine.journal == ["load a:9b", "load b:9b", "evict a:9b", "load c:9b"]
        assert clock.monotonic() == pytest.approx(31.5)
        assert all(model["size_vram"] == 9 * GIB for model in (await running(double)).values())


@in_virtual_time
async def test_who_loads_right_after_an_unload_costs_another_model_its_place() -> None:
    rules = Rules(recover_seconds=1.0)
    async with OllamaDouble(BIG, rules=rules, clock=VirtualClock()) as double:
        await ask(double, model="a:9b")
        await ask(double, model="b:9b")
        await ask(double, "/api/generate", model="a:9b", keep_alive=0)

        await ask(double, model="c:9b")

        assert double.engine.journal[2:] == ["unload a:9b", "evict b:9b", "load c:9b"]


@in_virtual_time
async def test_who_loads_right_after_the_last_unload_gets_half_a_gpu() -> None:
    whole = [Weights("a:18b", size=18 * GIB), Weights("b:18b", size=18 * GIB)]
    rules = Rules(recover_seconds=1.0)
    async with OllamaDouble(whole, rules=rules, clock=VirtualClock()) as double:
        await ask(double, model="a:18b")
        await ask(double, "/api/generate", model="a:18b", keep_alive=0)

        await ask(double, "/api/generate", model="b:18b")

        assert (await running(double))["b:18b"]["size_vram"] == 6 * GIB


@in_virtual_time
async def test_hanging_up_ends_the_load_and_the_next_begins_anew() -> None:
    clock = VirtualClock()
    async with OllamaDouble(BIG, clock=clock) as double:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(double, model="a:9b"), 6)
        await ask(double, model="a:9b")

        assert double.engine.journal == ["abort a:9b", "load a:9b"]
        assert clock.monotonic() == pytest.approx(16)


@in_virtual_time
async def test_a_load_may_crash_or_take_longer_than_anybody_waits() -> None:
    clock = VirtualClock()
    async with OllamaDouble(BIG, clock=clock) as double:
        double.spoil_load("a:9b", Load(crash="exit status 2"), Load(seconds=900))

        crashed = await ask(double, "/api/generate", model="a:9b")
        slow = await ask(double, "/api/generate", model="a:9b", keep_alive=-1)

    assert (crashed.status_code, crashed.json()["error"]) == (
        500,
        "llama runner process has terminated: exit status 2",
    )
    assert slow.json()["load_duration"] == 900 * 10**9


@in_virtual_time
async def test_a_slot_reads_only_what_it_has_not_read_before() -> None:
    talk = [{"role": "user", "content": "word " * 800}]
    async with OllamaDouble([LLAMA], clock=VirtualClock()) as double:
        double.say("I see.", "I see.")
        first = (await ask(double, model="llama3.1:8b", messages=talk)).json()
        talk += [{"role": "assistant", "content": "I see."}, {"role": "user", "content": "more"}]
        second = (await ask(double, model="llama3.1:8b", messages=talk)).json()

    assert first["prompt_eval_duration"] == pytest.approx(1000 * 0.0005 * 1e9, rel=0.02)
    assert second["prompt_eval_duration"] < first["prompt_eval_duration"] / 50
    assert second["prompt_eval_count"] > first["prompt_eval_count"]


@in_virtual_time
async def test_two_talks_keep_to_their_own_slots() -> None:
    talks = [[{"role": "user", "content": word * 1000}] for word in ("left ", "right ")]
    rules = Rules(parallel=2)
    async with OllamaDouble([LLAMA], rules=rules, clock=VirtualClock()) as double:
        await asyncio.gather(*(ask(double, model=LLAMA.name, messages=talk) for talk in talks))

        again = [(await ask(double, model=LLAMA.name, messages=talk)).json() for talk in talks]

    assert all(one["prompt_eval_duration"] < 1e7 for one in again)


@in_virtual_time
async def test_some_families_take_one_call_whatever_the_setting() -> None:
    clock = VirtualClock()
    async with OllamaDouble([EMBEDDER], rules=Rules(parallel=4), clock=clock) as double:
        body = {"model": "nomic-embed-text", "input": []}
        loaded = await ask(double, "/api/embed", **body, keep_alive=-1)
        refused = await ask(double, "/api/generate", model="nomic-embed-text")
        (shown,) = (await running(double)).values()

    assert loaded.json()["embeddings"] == []
    assert "does not support generate" in refused.json()["error"]
    assert shown["size"] == EMBEDDER.size + 2048 * EMBEDDER.kv_bytes_per_token


@in_virtual_time
async def test_the_inside_of_a_model_is_told_as_its_file_tells_it() -> None:
    async with OllamaDouble([EXPERTS, LLAMA], clock=VirtualClock()) as double:
        experts = (await ask(double, "/api/show", model="qwen3:30b-a3b")).json()
        llama = (await ask(double, "/api/show", model="llama3.1:8b")).json()

    assert experts["model_info"]["qwen3moe.expert_used_count"] == 8
    assert experts["details"]["parameter_size"] == "30.5B"
    assert llama["model_info"]["llama.attention.head_count_kv"] == 8
    assert "llama.attention.key_length" not in llama["model_info"]


@in_virtual_time
async def test_some_servers_list_a_model_that_is_still_loading() -> None:
    clock = VirtualClock()
    async with OllamaDouble(BIG, rules=Rules(lists_loading=True), clock=clock) as double:
        loading = asyncio.create_task(ask(double, model="a:9b"))
        await clock.sleep(5)
        assert "a:9b" in await running(double)
        assert not loading.done()
        await loading


@in_virtual_time
async def test_troubles_befall_the_calls_they_are_meant_for() -> None:
    async with (
        OllamaDouble(["a:1b"], clock=VirtualClock()) as double,
        httpx.AsyncClient(timeout=None) as http,
    ):
        double.spoil("/api/ps", Trouble.FAILS, Trouble.GARBAGE, Trouble.HANG, Trouble.RESET)
        ps, tags = f"{double.url}/api/ps", f"{double.url}/api/tags"

        assert (await http.get(ps)).status_code == 500
        assert (await http.get(tags)).status_code == 200
        with pytest.raises(json.JSONDecodeError):
            (await http.get(ps)).json()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(http.get(ps), 30)
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(ps)
        assert (await http.get(ps)).json() == {"models": []}


@in_virtual_time
async def test_a_server_that_is_away_refuses_and_comes_back_where_it_was() -> None:
    async with (
        OllamaDouble(["a:1b"], clock=VirtualClock()) as double,
        httpx.AsyncClient(timeout=None) as http,
    ):
        await http.get(f"{double.url}/api/tags")
        await double.away()
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{double.url}/api/tags")
        await double.back()

        assert (await http.get(f"{double.url}/api/tags")).status_code == 200
