"""A process that is killed does nothing more, and the world sees its connections end."""

from __future__ import annotations

import asyncio

from tests.simulation.pool.lives import LivesLoop, run


async def loop_of_lives() -> LivesLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LivesLoop)
    return loop


def test_who_is_killed_does_not_clean_up_and_the_others_live_on() -> None:
    deeds = []

    async def live(name: str) -> None:
        try:
            async with asyncio.timeout(60):
                await asyncio.gather(*(asyncio.sleep(50) for _ in range(3)))
        finally:
            deeds.append(name)

    async def story() -> None:
        loop = await loop_of_lives()
        loop.live(live("killed"), 1)
        other = loop.live(live("spared"), 2)
        await asyncio.sleep(10)
        loop.kill(1)
        await other
        await asyncio.sleep(100)

    run(story())

    assert deeds == ["spared"]


def test_a_server_sees_that_its_client_was_killed() -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read())
        writer.close()

    async def call(port: int) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"half a req")
        try:
            await asyncio.sleep(1000)
        finally:
            writer.write(b"a farewell")

    async def story() -> None:
        loop, server = await loop_of_lives(), await asyncio.start_server(serve, "127.0.0.1", 0)
        loop.live(call(server.sockets[0].getsockname()[1]), 1)
        await asyncio.sleep(10)
        loop.kill(1)
        await asyncio.sleep(1)
        server.close()

    run(story())

    assert seen == [b"half a req"]


def test_what_a_thread_brings_to_a_dead_life_is_dropped() -> None:
    heard = []

    async def live() -> None:
        heard.append(await asyncio.to_thread(lambda: "word"))

    async def story() -> None:
        loop = await loop_of_lives()
        loop.live(live(), 1)
        await asyncio.sleep(0)
        loop.kill(1)
        await loop.threads()
        await asyncio.sleep(1)

    run(story())

    assert heard == []
