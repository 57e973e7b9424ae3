"""The courier on a real bus: every final reaches its channels once, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harness.bus.port import (
    RETRY_LADDER,
    DeliveryState,
    Outcome,
    Request,
    Result,
    Stamp,
    Task,
)
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock, settle
from harness.config.home import Home
from harness.delivery.channels import Channel, build_channels
from harness.ids import Ids
from harness.services.courier import MAX_ATTEMPTS, Courier

ZONE = ZoneInfo("America/Los_Angeles")


class House:
    """A home with its bus, its channels, and one answered task after another."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.clock = FakeClock()
        self.ids = Ids(self.clock)
        self.bus = SqliteBus.open(self.home, self.clock, self.ids)
        self.channels: dict[str, Channel] = dict(build_channels(self.home, ZONE, self.clock))

    async def answered(self, *deliver: str, text: str = "The news.") -> Task:
        request = Request(agent="ainews", prompt="Digest now", deliver=deliver)
        await self.bus.request(request)
        held = await self.bus.claim("ainews", cap=1, owner="session")
        assert held is not None
        return await self.bus.final(held, Outcome.DONE, Result(text=text, model="scripted"))

    async def serve(self, until: Callable[[], bool]) -> None:
        """Let a courier run until that is so."""
        async with self.courier():
            await self.idle(until)

    @asynccontextmanager
    async def courier(self) -> AsyncIterator[Courier]:
        courier, stop = Courier(self.bus, self.channels, self.clock), asyncio.Event()
        running = asyncio.create_task(courier.run(stop))
        try:
            yield courier
        finally:
            stop.set()
            await running

    async def idle(self, until: Callable[[], bool], *, step: float = 0) -> None:
        """Wait until that is so, letting `step` seconds pass at a time."""
        async with asyncio.timeout(5):
            while not until():
                await self.clock.advance(step)
                await asyncio.sleep(0.001)

    def states(self, task: Task) -> Mapping[str, DeliveryState]:
        return {each.channel: each.state for each in self.bus.reader.deliveries(task.id)}

    def is_stamped(self, task: Task) -> bool:
        return self.bus.reader.get(task.id).delivered_at is not None

    def pages(self) -> list[Path]:
        return sorted(self.home.archive.rglob("*.md"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    async with house.bus:
        yield house


class Broken:
    """A channel that fails `times` times and then takes what it gets."""

    name = "broken"

    def __init__(self, times: int) -> None:
        self.left = times
        self.tries = 0
        self.got: list[str] = []

    async def deliver(self, task: Task) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise ConnectionError("nobody answers")
        self.got.append(task.id)
        return "taken"


async def test_a_final_goes_to_each_of_its_channels_and_is_stamped(house: House) -> None:
    task = await house.answered("archive", "log")

    await house.serve(lambda: house.is_stamped(task))

    assert house.states(task) == {"archive": DeliveryState.SENT, "log": DeliveryState.SENT}
    (page,) = house.pages()
    notes = {each.channel: each.note for each in house.bus.reader.deliveries(task.id)}
    assert notes["archive"] == page.relative_to(house.home.root).as_posix()


class Running(FakeClock):
    """A clock that moves on with every look, as the real one does."""

    def now(self) -> datetime:
        self.shift(timedelta(microseconds=1))
        return super().now()


async def test_a_final_is_delivered_at_once_by_a_clock_that_does_not_stand_still(
    house: House,
) -> None:
    task = await house.answered("archive", "log")
    courier = Courier(house.bus, house.channels, Running())

    await courier.bring(task)

    assert house.is_stamped(task)


async def test_a_final_that_comes_while_the_courier_waits_is_delivered(house: House) -> None:
    async with house.courier():
        await settle()
        task = await house.answered("archive")
        await house.idle(lambda: house.is_stamped(task))

    assert len(house.pages()) == 1


async def test_an_answer_without_text_leaves_no_trace(house: House) -> None:
    task = await house.answered("archive", "log", text=" \n")

    await house.serve(lambda: house.is_stamped(task))

    assert house.states(task) == {}
    assert house.pages() == []


async def test_a_final_for_no_channel_is_not_touched(house: House) -> None:
    kept = await house.answered()
    sent = await house.answered("archive")

    await house.serve(lambda: house.is_stamped(sent))

    assert not house.is_stamped(kept)
    assert len(house.pages()) == 1


@pytest.mark.parametrize("lost", ["finish_delivery", "stamp"])
async def test_a_crash_between_hand_over_and_note_delivers_the_same_page_again(
    house: House, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    task = await house.answered("archive", "log")

    async def crash(*_: object) -> None:
        raise SystemError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(house.bus, lost, crash)
        with pytest.raises(SystemError, match="gone"):
            await Courier(house.bus, house.channels, house.clock).run(asyncio.Event())
    assert len(house.pages()) == 1
    assert not house.is_stamped(task)

    await house.serve(lambda: house.is_stamped(task))

    assert len(house.pages()) == 1
    assert len((house.home.logs / "deliveries.jsonl").read_text().splitlines()) == 1


async def test_a_channel_that_is_not_set_up_is_recorded_and_blocks_no_other(house: House) -> None:
    task = await house.answered("phone", "archive")

    await house.serve(lambda: house.is_stamped(task))

    assert house.states(task) == {"phone": DeliveryState.FAILED, "archive": DeliveryState.SENT}
    (phone,) = (each for each in house.bus.reader.deliveries(task.id) if each.channel == "phone")
    assert phone.note == "channel `phone` is not set up"
    assert phone.attempts == 1


async def test_a_failing_channel_is_tried_again_by_the_ladder_and_the_others_go_ahead(
    house: House,
) -> None:
    broken = house.channels["broken"] = Broken(times=2)
    task = await house.answered("broken", "archive")

    async with house.courier():
        await house.idle(lambda: house.states(task).get("archive") is DeliveryState.SENT)
        assert not house.is_stamped(task)
        for number, pause in enumerate(RETRY_LADDER[:2], start=1):
            await house.clock.advance(pause.total_seconds() - 10)
            await settle()
            assert broken.tries == number
            await house.idle(lambda tries=number: broken.tries > tries, step=1)  # type: ignore[misc]
        await house.idle(lambda: house.is_stamped(task))

    assert broken.got == [task.id]
    assert len(house.pages()) == 1


async def test_a_channel_that_never_works_is_given_up_and_said_so(house: House) -> None:
    broken = house.channels["broken"] = Broken(times=1000)
    task = await house.answered("broken")

    async with house.courier():
        await house.idle(lambda: house.is_stamped(task), step=60)

    (delivery,) = house.bus.reader.deliveries(task.id)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.attempts == broken.tries == MAX_ATTEMPTS
    assert delivery.note == "nobody answers"


async def test_finals_that_rest_do_not_crowd_out_new_ones(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.services.courier.BATCH", 2)
    broken = house.channels["broken"] = Broken(times=1000)
    for _ in range(3):
        await house.answered("broken")
    last = await house.answered("archive")

    async with house.courier():
        await house.idle(lambda: house.is_stamped(last))

    assert broken.tries == 3


async def test_a_final_that_somebody_else_settles_is_no_longer_waited_for(house: House) -> None:
    broken = house.channels["broken"] = Broken(times=1000)
    task = await house.answered("broken")

    async with house.courier() as courier:
        await house.idle(lambda: bool(courier.again_at))
        await house.bus.stamp(task.id, Stamp.DELIVERED)
        await house.idle(lambda: not courier.again_at, step=1)

    assert broken.tries == 1


async def test_a_stop_is_obeyed_while_a_channel_rests(house: House) -> None:
    broken = house.channels["broken"] = Broken(times=1000)
    await house.answered("broken")

    await house.serve(lambda: broken.tries == 1)

    assert broken.tries == 1
