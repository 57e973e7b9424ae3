"""The supervisor: one service that breaks stops no other, and stages stop in order."""

import asyncio

import pytest

from harness.bus.port import Recovered
from harness.clock import FakeClock, settle
from harness.errors import Fatal, HarnessError
from harness.services.supervisor import BACKOFF, REST_SECONDS, Condition, Stage, Supervisor


class Steady:
    """Runs until it is asked to stop, and tells when."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name, self.diary = name, diary

    async def run(self, stop: asyncio.Event) -> None:
        self.diary.append(f"{self.name} starts")
        await stop.wait()
        self.diary.append(f"{self.name} stops")


class Diary:
    """Remembers what was recorded."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def __call__(self, kind: Recovered, subject: str, note: str) -> None:
        assert kind is Recovered.RESTARTED
        self.lines.append(subject)


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
    running = asyncio.create_task(Supervisor(stages, FakeClock(), Diary()).run(stop))
    await settle()

    stop.set()
    await running

    assert diary == ["first starts", "second starts", "first stops", "second stops"]


async def test_a_broken_service_is_restarted_with_growing_pauses_and_stops_no_other() -> None:
    clock, broken, diary = FakeClock(), Broken(), list[str]()
    supervisor = Supervisor(
        [{"broken": broken, "steady": Steady("steady", diary)}], clock, recorded := Diary()
    )
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    await settle()

    for pause in BACKOFF[:3]:
        await clock.advance(pause)

    assert broken.starts == 4
    assert recorded.lines == ["broken"] * 4
    assert supervisor.conditions == {"broken": Condition.WAITING, "steady": Condition.RUNNING}
    assert diary == ["steady starts"]
    stop.set()
    await running
    assert diary == ["steady starts", "steady stops"]


async def test_one_that_breaks_at_every_start_is_left_alone_for_long_and_then_tried_again() -> None:
    clock, broken = FakeClock(), Broken()
    supervisor = Supervisor([{"broken": broken}], clock, Diary())
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    await settle()

    await clock.advance(sum(BACKOFF))
    assert (broken.starts, supervisor.conditions["broken"]) == (6, Condition.RESTING)
    await clock.advance(REST_SECONDS - 1)
    assert broken.starts == 6
    await clock.advance(1)
    assert broken.starts == 7

    stop.set()
    await running
    assert supervisor.conditions["broken"] is Condition.STOPPED


async def test_a_record_that_cannot_be_written_does_not_keep_a_service_from_its_restart() -> None:
    async def full_disk(kind: Recovered, subject: str, note: str) -> None:
        raise HarnessError("the disk is full")

    clock, broken = FakeClock(), Broken()
    stop = asyncio.Event()
    running = asyncio.create_task(Supervisor([{"broken": broken}], clock, full_disk).run(stop))
    await settle()

    await clock.advance(BACKOFF[0])

    assert broken.starts == 2
    stop.set()
    await running


async def test_what_is_fatal_ends_all_stages_in_order_and_is_raised() -> None:
    class Doomed:
        async def run(self, stop: asyncio.Event) -> None:
            raise Fatal("the home is gone")

    diary: list[str] = []
    stages: list[Stage] = [{"first": Steady("first", diary)}, {"doomed": Doomed()}]

    with pytest.raises(Fatal, match="the home is gone"):
        await Supervisor(stages, FakeClock(), Diary()).run(asyncio.Event())

    assert diary == ["first starts", "first stops"]
