"""Few at a time at one host, and a breath between."""

from __future__ import annotations

import asyncio

from harness.clock import FakeClock, settle
from harness.network.politeness import Politeness


async def test_a_host_lets_in_two_and_others_wait(clock: FakeClock) -> None:
    manners = Politeness(clock, at_once=2, gap=0)
    inside: list[str] = []
    leave = asyncio.Event()

    async def visit(host: str) -> None:
        async with manners.turn(host):
            inside.append(host)
            await leave.wait()

    hosts = ["a", "a", "a", "b"]
    visits = [asyncio.create_task(visit(host)) for host in hosts]
    await settle()
    assert sorted(inside) == ["a", "a", "b"]

    leave.set()
    await asyncio.gather(*visits)
    assert sorted(inside) == sorted(hosts)


async def test_requests_to_one_host_keep_their_distance(clock: FakeClock) -> None:
    manners = Politeness(clock, at_once=5, gap=0.5)
    entered: list[tuple[str, float]] = []

    async def visit(host: str) -> None:
        async with manners.turn(host):
            entered.append((host, clock.monotonic()))

    visits = [asyncio.create_task(visit(host)) for host in ("a", "a", "a", "b")]
    await settle()
    await clock.advance(5)
    await asyncio.gather(*visits)

    assert sorted(entered) == [("a", 0.0), ("a", 0.5), ("a", 1.0), ("b", 0.0)]


async def test_hosts_of_long_ago_are_forgotten(clock: FakeClock) -> None:
    manners = Politeness(clock, gap=1)
    for number in range(50):
        async with manners.turn(f"host-{number}"):
            pass
        await clock.advance(2)

    assert len(manners._doors) == 1


async def test_one_who_is_cancelled_while_waiting_leaves_the_place_to_others(
    clock: FakeClock,
) -> None:
    manners = Politeness(clock, at_once=1, gap=0)

    async def visit() -> None:
        async with manners.turn("a"):
            await asyncio.Event().wait()

    first, second = asyncio.create_task(visit()), asyncio.create_task(visit())
    await settle()
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

    async with asyncio.timeout(1), manners.turn("a"):
        pass
