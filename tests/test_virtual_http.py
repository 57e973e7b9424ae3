"""Time that jumps, and never past a byte that is under way or a thread that is at work."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.doubles.ollama import Answer, Fault, OllamaDouble, Weights
from tests.simulation.virtual import NothingLeft
from tests.virtual_http import VirtualClock, VirtualHttpLoop, in_virtual_time, run

HI = [{"role": "user", "content": "hi"}]


@in_virtual_time
async def test_a_day_passes_at_once() -> None:
    clock, began = VirtualClock(), time.monotonic()

    await clock.sleep(86_400)

    assert clock.monotonic() == pytest.approx(86_400)
    assert clock.now() == datetime(2026, 3, 3, tzinfo=UTC)
    assert time.monotonic() - began < 5


@in_virtual_time
async def test_sleepers_wake_in_order_and_at_their_time() -> None:
    clock = VirtualClock()
    woken: list[tuple[int, float]] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, round(clock.monotonic(), 6)))

    await asyncio.gather(*(sleeper(seconds) for seconds in (300, 5, 3600, 0)))

    assert woken == [(0, 0), (5, 5), (300, 300), (3600, 3600)]


@in_virtual_time
async def test_what_travels_over_http_takes_no_time() -> None:
    clock = VirtualClock()

    async def soon() -> None:
        await clock.sleep(0.001)
        arrived.append("timer")

    arrived: list[str] = []
    async with OllamaDouble(["a:1b"], clock=clock) as double, httpx.AsyncClient() as http:
        for _ in range(100):
            timer = asyncio.create_task(soon())
            await http.get(f"{double.url}/api/version")
            arrived.append("answer")
            await timer

    assert arrived == ["answer", "timer"] * 100


@in_virtual_time
async def test_a_server_that_works_for_an_hour_answers_at_once() -> None:
    clock = VirtualClock()
    slow = Weights("slow:70b", load_seconds=3600)
    async with OllamaDouble([slow], clock=clock) as double:
        double.say(Answer("Done", first_after=60, piece_after=2))
        async with httpx.AsyncClient(timeout=None) as http:
            body = {"model": "slow:70b", "messages": HI, "stream": False}
            answer = (await http.post(f"{double.url}/api/chat", json=body)).json()

    assert answer["load_duration"] == 3600 * 10**9
    assert answer["total_duration"] == 3662 * 10**9


@in_virtual_time
async def test_a_timeout_of_five_minutes_is_over_at_once_and_closes_the_connection() -> None:
    clock = VirtualClock()
    async with OllamaDouble(["a:1b"], clock=clock) as double:
        double.say(Answer("never", fault=Fault.HANG))
        async with httpx.AsyncClient(timeout=None) as http:
            asking = http.post(f"{double.url}/api/chat", json={"model": "a:1b", "messages": HI})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asking, 300)
        await asyncio.sleep(1)

        assert clock.monotonic() == pytest.approx(301)
        assert double.calls[0].outcome == "cancelled"
        assert double.engine.loaded["a:1b"].users == 0


@in_virtual_time
async def test_time_waits_for_a_thread() -> None:
    clock = VirtualClock()
    timer = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)

    await asyncio.to_thread(time.sleep, 0.05)
    after_thread = clock.monotonic()
    await timer

    assert after_thread == 0.0
    assert clock.monotonic() == pytest.approx(60)


@in_virtual_time
async def test_time_waits_for_a_foreign_thread_while_it_is_held() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualHttpLoop)
    done = asyncio.Event()

    def work() -> None:
        time.sleep(0.05)
        loop.call_soon_threadsafe(done.set)

    with loop.still():
        thread = threading.Thread(target=work)
        thread.start()
        async with asyncio.timeout(30):
            await done.wait()

    assert loop.time() == 0.0
    thread.join()


@in_virtual_time
async def test_the_wall_may_be_stepped_alone_and_read_by_threads() -> None:
    clock = VirtualClock()

    clock.shift(timedelta(hours=1))

    assert await asyncio.to_thread(clock.now) == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert clock.monotonic() == 0.0


def test_tasks_that_all_wait_for_each_other_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.virtual_http.GIVE_UP", 0.05)

    with pytest.raises(NothingLeft):
        run(asyncio.Event().wait())


@in_virtual_time
async def test_fixtures_reach_a_test_in_virtual_time(tmp_path: Path) -> None:
    assert await asyncio.to_thread(tmp_path.is_dir)
