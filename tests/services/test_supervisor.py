"""The supervisor: one service that breaks stops no other, and stages stop in order."""

import asyncio

from harness.clock import FakeClock, settle
from harness.services.supervisor import BACKOFF, Supervisor


class Steady:
    """Runs until it is asked to stop, and tells when."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name, self.diary = name, diary

    async def run(self, stop: asyncio.Event) -> None:
        self.diary.append(f"{self.name} starts")
        await stop.wait()
        self.diary.append(f"{self.name} stops")


class Broken:
    """Raises each time it is started."""

    def __init__(self) -> None:
        self.starts = 0

    async def run(self, stop: asyncio.Event) -> None:
        self.starts += 1
        raise ValueError("broken on purpose")


async def test_stages_stop_in_their_order() -> None:
    diary: list[str] = []
    stages = [{"first": Steady("first", diary)}, {"second": Steady("second", diary)}]
    stop = asyncio.Event()
    running = asyncio.create_task(Supervisor(stages, FakeClock()).run(stop))
    await settle()

    stop.set()
    await running

    assert diary == ["first starts", "second starts", "first stops", "second stops"]


async def test_a_broken_service_is_restarted_with_growing_pauses_and_stops_no_other() -> None:
    clock, broken, diary = FakeClock(), Broken(), list[str]()
    supervisor = Supervisor([{"broken": broken, "steady": Steady("steady", diary)}], clock)
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    await settle()

    for pause in BACKOFF[:3]:
        await clock.advance(pause)

    assert broken.starts == 4
    assert supervisor.restarts == 4
    assert diary == ["steady starts"]
    stop.set()
    await running
    assert diary == ["steady starts", "steady stops"]
