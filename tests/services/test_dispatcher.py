"""The dispatcher: one session per agent, every end recorded, nothing kept from others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from harness.bus.port import Outcome, Request, Result, State, Task
from harness.bus.sqlite import SqliteBus
from harness.bus.sync import SyncBus
from harness.clock import FakeClock, settle
from harness.config.home import Home
from harness.ids import Ids
from harness.services.dispatcher import IDLE_SECONDS, TROUBLE_SECONDS, WATCH_SECONDS, Dispatcher
from harness.session.steps import Ended, Reason

Answer = Callable[[Task, asyncio.Event], Awaitable[Ended]]
DONE = Ended(Reason.COMPLETED, Outcome.DONE, Result(text="here"))


class Crew:
    """Answers as told; knows which sessions are open."""

    def __init__(self) -> None:
        self.open: dict[str, asyncio.Future[Ended]] = {}
        self.cancels: dict[str, asyncio.Event] = {}

    async def __call__(self, task: Task, cancel: asyncio.Event) -> Ended:
        answer: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.open[task.id] = answer
        self.cancels[task.id] = cancel
        stopping = asyncio.create_task(self.end(cancel, answer))
        try:
            return await answer
        finally:
            stopping.cancel()
            del self.open[task.id]

    async def end(self, cancel: asyncio.Event, answer: asyncio.Future[Ended]) -> None:
        await cancel.wait()
        answer.set_result(Ended(Reason.CANCELLED, Outcome.CANCELLED, Result()))


@pytest.fixture
def crew() -> Crew:
    return Crew()


@pytest.fixture
async def stop(bus: SqliteBus, crew: Crew, clock: FakeClock) -> AsyncIterator[asyncio.Event]:
    """A running dispatcher for two agents; set it to stop."""
    stop = asyncio.Event()
    dispatcher = Dispatcher(bus, crew, lambda: {"scout": 1, "clerk": 1}, "daemon-1", clock)
    running = asyncio.create_task(dispatcher.run(stop))
    yield stop
    stop.set()
    async with asyncio.timeout(5):  # a failed test must not wait for a clock that stands still
        await running


async def until(holds: Callable[[], bool]) -> None:
    """Give the other tasks and the writing thread room until `holds`; fail after 5 s."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


async def state_of(bus: SqliteBus, task: Task, state: State) -> Task:
    await until(lambda: bus.reader.get(task.id).state is state)
    return bus.reader.get(task.id)


@pytest.mark.usefixtures("stop")
async def test_a_request_is_answered_and_final(bus: SqliteBus, crew: Crew) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)

    crew.open[task.id].set_result(DONE)

    final = await state_of(bus, task, State.FINAL)
    assert final.outcome is Outcome.DONE
    assert final.result is not None
    assert final.result.text == "here"
    assert [event.state for event in bus.reader.events(task.id)] == [
        State.REQUEST,
        State.CONFIRMED,
        State.FINAL,
    ]


@pytest.mark.usefixtures("stop")
async def test_an_agent_works_on_one_task_at_a_time_and_holds_up_nobody_else(
    bus: SqliteBus, crew: Crew
) -> None:
    first = await bus.request(Request("scout", "One."))
    second = await bus.request(Request("scout", "Two."))
    other = await bus.request(Request("clerk", "Three."))
    await until(lambda: {first.id, other.id} <= set(crew.open))

    assert second.id not in crew.open
    crew.open[first.id].set_result(DONE)

    await until(lambda: second.id in crew.open)
    crew.open[second.id].set_result(DONE)
    crew.open[other.id].set_result(DONE)
    await state_of(bus, second, State.FINAL)


@pytest.mark.usefixtures("stop")
async def test_an_attempt_that_failed_waits_for_its_next_try(
    bus: SqliteBus, crew: Crew, clock: FakeClock
) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)

    crew.open[task.id].set_result(
        Ended(Reason.MODEL_UNAVAILABLE, Outcome.FAILED, Result(), "server away", retry=True)
    )

    waiting = await state_of(bus, task, State.REQUEST)
    assert waiting.error == "model_unavailable: server away"
    assert waiting.not_before > clock.now()
    await settle()
    await clock.advance(30)
    await until(lambda: task.id in crew.open)
    crew.open[task.id].set_result(DONE)
    assert (await state_of(bus, task, State.FINAL)).attempt == 2


async def test_a_session_that_breaks_costs_one_attempt_and_no_other_session(
    bus: SqliteBus, clock: FakeClock
) -> None:
    async def answer(task: Task, cancel: asyncio.Event) -> Ended:
        if task.prompt == "Break.":
            raise ValueError("on purpose")
        return DONE

    stop = asyncio.Event()
    dispatcher = Dispatcher(bus, answer, lambda: {"scout": 1, "clerk": 1}, "daemon-1", clock)
    running = asyncio.create_task(dispatcher.run(stop))
    broken = await bus.request(Request("scout", "Break."))
    fine = await bus.request(Request("clerk", "Look."))

    await state_of(bus, fine, State.FINAL)
    await until(lambda: bus.reader.get(broken.id).error is not None)

    assert bus.reader.get(broken.id).error == "ValueError: on purpose"
    assert bus.reader.get(broken.id).state is State.REQUEST
    stop.set()
    await running


async def test_a_stop_hands_open_sessions_back_unspent(
    bus: SqliteBus, crew: Crew, stop: asyncio.Event
) -> None:
    task = await bus.request(Request("scout", "Look.", max_attempts=1))
    await until(lambda: task.id in crew.open)

    stop.set()

    waiting = await state_of(bus, task, State.REQUEST)
    assert waiting.error is None
    again = await bus.claim("scout", cap=1, owner="daemon-2")
    assert again is not None
    assert again.id == task.id


@pytest.mark.usefixtures("stop")
async def test_a_cancelled_task_ends_its_session_at_once(bus: SqliteBus, crew: Crew) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)
    await settle()

    await bus.cancel(task.id, actor="person")

    await until(lambda: task.id not in crew.open)
    assert crew.cancels[task.id].is_set()
    assert bus.reader.get(task.id).outcome is Outcome.CANCELLED


@pytest.mark.usefixtures("stop")
async def test_the_lease_of_a_slow_session_is_renewed(
    bus: SqliteBus, crew: Crew, clock: FakeClock
) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)
    first_lease = bus.reader.get(task.id).lease_until
    await settle()

    for _ in range(25):
        await clock.advance(WATCH_SECONDS)
        await settle()
    await until(lambda: bus.reader.get(task.id).lease_until != first_lease)

    assert await bus.sweep() == []
    crew.open[task.id].set_result(DONE)
    await state_of(bus, task, State.FINAL)


def set_pragma(bus: SqliteBus, pragma: str) -> None:
    """Change how the bus's own connection may write; other connections are not touched."""
    bus._writer.db.execute(f"PRAGMA {pragma}")


@pytest.mark.usefixtures("stop")
async def test_an_end_that_a_full_disk_refuses_is_written_once_there_is_room(
    bus: SqliteBus, crew: Crew, clock: FakeClock
) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)
    set_pragma(bus, "max_page_count = 1")  # the file may not grow

    with capture_logs() as logs:
        crew.open[task.id].set_result(replace(DONE, result=Result(text="here" * 50_000)))
        await until(lambda: bool(logs))
        await settle()
    assert logs[-1]["event"] == "the end of a task cannot be written"
    assert "disk is full" in logs[-1]["reason"]
    set_pragma(bus, "max_page_count = 1000000")
    await clock.advance(TROUBLE_SECONDS)

    assert (await state_of(bus, task, State.FINAL)).attempt == 1


@pytest.mark.usefixtures("stop")
async def test_a_bus_that_cannot_be_written_ends_no_open_session(
    home: Home, bus: SqliteBus, crew: Crew, clock: FakeClock
) -> None:
    first = await bus.request(Request("scout", "One."))
    await until(lambda: first.id in crew.open)
    await settle()
    set_pragma(bus, "query_only = ON")

    with capture_logs() as logs, SyncBus(home, clock, Ids(clock)) as other:
        second = other.request(Request("clerk", "Two."))
        await clock.advance(IDLE_SECONDS)
        await until(lambda: bool(logs))
        await settle()
    assert logs[0]["event"] == "no task can be taken up"
    set_pragma(bus, "query_only = OFF")
    await clock.advance(TROUBLE_SECONDS)

    await until(lambda: {first.id, second.id} <= set(crew.open))
    crew.open[first.id].set_result(DONE)
    await state_of(bus, first, State.FINAL)


@pytest.mark.usefixtures("stop")
async def test_half_a_surrogate_pair_in_an_answer_harms_nobody(bus: SqliteBus, crew: Crew) -> None:
    task = await bus.request(Request("scout", "Look."))
    await until(lambda: task.id in crew.open)

    crew.open[task.id].set_result(replace(DONE, result=Result(text="so \ud83d it was")))

    result = (await state_of(bus, task, State.FINAL)).result
    assert result is not None
    assert result.text == "so \ufffd it was"


@pytest.mark.usefixtures("stop")
async def test_an_end_that_cannot_be_told_is_dead_and_no_other_session_suffers(
    bus: SqliteBus, crew: Crew, clock: FakeClock
) -> None:
    first = await bus.request(Request("scout", "One."))
    other = await bus.request(Request("clerk", "Two."))
    await until(lambda: {first.id, other.id} <= set(crew.open))

    odd = Result(data={("no", "key"): 1})
    crew.open[first.id].set_result(replace(DONE, result=odd))
    await until(lambda: first.id not in crew.open)
    await settle()
    await clock.advance(TROUBLE_SECONDS)

    ended = await state_of(bus, first, State.DEAD)
    assert ended.error == "its end cannot be told: TypeError"
    crew.open[other.id].set_result(DONE)
    await state_of(bus, other, State.FINAL)
