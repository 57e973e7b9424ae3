"""Notes to tasks under way, and answers told to those who asked."""

from __future__ import annotations

import pytest

from harness.bus.port import (
    MAX_ANCESTORS,
    IllegalTransition,
    Note,
    Outcome,
    Request,
    Result,
    Stamp,
    State,
    Task,
    TooDeep,
)
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.errors import NotFound


async def taken(bus: SqliteBus, lane: str) -> Task:
    task = await bus.claim(lane, cap=9, owner=f"session of {lane}")
    assert task is not None
    return task


async def done(bus: SqliteBus, task: Task) -> Task:
    return await bus.final(task, Outcome.DONE, Result("Here it is."))


async def asks(bus: SqliteBus) -> Task:
    """A task of zoe under way, in which she asked scout."""
    await bus.request(Request("zoe", "Plan."))
    parent = await taken(bus, "zoe")
    await bus.request(Request("scout", "Look.", sender="zoe", parent=parent.id, callback=True))
    return parent


async def asked_and_answered(bus: SqliteBus, *, deliver: tuple[str, ...] = ()) -> tuple[Task, Task]:
    """A task of zoe under way, and the final of what she asked scout in it."""
    await bus.request(Request("zoe", "Plan.", deliver=deliver))
    parent = await taken(bus, "zoe")
    await bus.request(
        Request("scout", "Look.", sender="zoe", parent=parent.id, callback=True, job="daily")
    )
    return parent, await done(bus, await taken(bus, "scout"))


async def test_a_session_reads_each_note_once(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus, "scout")
    first = await bus.tell(task.id, "person", "Shorter, please.")
    second = await bus.tell(task.id, "zoe", "And in English.")

    assert await bus.take_notes(task) == [first, second]
    assert await bus.take_notes(task) == []


async def test_a_new_attempt_reads_the_notes_again(bus: SqliteBus, clock: FakeClock) -> None:
    await bus.request(Request("scout", "Look."))
    first = await taken(bus, "scout")
    note = await bus.tell(first.id, "person", "Shorter, please.")
    await bus.take_notes(first)
    await bus.fail(first, "away")
    await clock.advance(30)

    assert await bus.take_notes(await taken(bus, "scout")) == [note]


async def test_who_is_told_before_it_begins_reads_it_then(bus: SqliteBus) -> None:
    asked = await bus.request(Request("scout", "Look."))
    note = await bus.tell(asked.id, "person", "Only today's.")

    assert await bus.take_notes(await taken(bus, "scout")) == [note]


async def test_what_is_over_reads_no_more_notes(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    task = await done(bus, await taken(bus, "scout"))

    with pytest.raises(IllegalTransition, match="in final and reads no more notes"):
        await bus.tell(task.id, "person", "Wait!")
    with pytest.raises(NotFound):
        await bus.tell("01NONE", "person", "Hello?")


async def test_a_note_that_came_too_late_becomes_a_request_once(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", deliver=("archive",)))
    task = await taken(bus, "scout")
    await bus.tell(task.id, "person", "And the weather?")
    assert await bus.leftovers_of_ended() == []
    await done(bus, task)

    (note,) = await bus.leftovers_of_ended()
    again = await bus.ask_again(note)

    assert again is not None
    assert (again.agent, again.prompt, again.sender) == ("scout", "And the weather?", "person")
    assert (again.parent, again.deliver) == (task.id, ("archive",))
    assert await bus.ask_again(note) is None
    assert await bus.leftovers_of_ended() == []


async def test_an_asker_still_at_work_gets_a_note(bus: SqliteBus) -> None:
    parent, child = await asked_and_answered(bus)
    assert await bus.owed(Stamp.CALLED_BACK) == [child]

    note = await bus.call_back(child, "Scout says: here it is.")

    assert isinstance(note, Note)
    assert await bus.take_notes(parent) == [note]
    assert note.sender == "scout"
    assert await bus.owed(Stamp.CALLED_BACK) == []


async def test_an_asker_that_went_home_gets_a_request(bus: SqliteBus) -> None:
    parent, child = await asked_and_answered(bus, deliver=("phone",))
    await done(bus, parent)

    told = await bus.call_back(child, "Scout says: here it is.")

    assert isinstance(told, Task)
    assert (told.agent, told.sender, told.key) == ("zoe", "scout", f"callback:{child.id}")
    assert (told.parent, told.root, told.job) == (child.id, parent.id, "daily")
    assert told.deliver == ("phone",)


async def test_an_asker_is_told_once(bus: SqliteBus) -> None:
    parent, child = await asked_and_answered(bus)
    await done(bus, parent)

    first = await bus.call_back(child, "Here it is.")
    second = await bus.call_back(child, "Here it is.")

    assert isinstance(first, Task)
    assert second is None
    assert len(bus.reader.tasks(agent="zoe")) == 2


async def test_an_asker_without_a_task_gets_a_request(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", sender="zoe", callback=True))
    child = await done(bus, await taken(bus, "scout"))

    told = await bus.call_back(child, "Here it is.")

    assert isinstance(told, Task)
    assert (told.agent, told.deliver) == ("zoe", ())


async def test_the_end_of_a_resent_task_is_told_too(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look.", sender="zoe", callback=True))
    died = await bus.fail(await taken(bus, "scout"), "gone", permanent=True)
    assert await bus.owed(Stamp.CALLED_BACK) == [died]
    of_its_death = await bus.call_back(died, "It is dead.")

    await bus.resend(died.id, actor="person")
    child = await done(bus, await taken(bus, "scout"))
    of_its_end = await bus.call_back(child, "Here it is.")

    assert isinstance(of_its_death, Task)
    assert isinstance(of_its_end, Task)
    assert of_its_end.id != of_its_death.id
    assert of_its_end.prompt == "Here it is."


async def test_a_callback_passes_the_limit_of_ancestors_and_ends_there(bus: SqliteBus) -> None:
    parent = None
    for depth in range(MAX_ANCESTORS + 1):
        wish = Request(f"a{depth}", "Ask.", sender="zoe", parent=parent, callback=True)
        parent = (await bus.request(wish)).id
    child = await done(bus, await taken(bus, f"a{MAX_ANCESTORS}"))

    told = await bus.call_back(child, "Here it is.")

    assert isinstance(told, Task)
    with pytest.raises(TooDeep):
        await bus.request(Request("a0", "Ask on.", parent=told.id))


async def test_who_is_cancelled_is_not_called_back(bus: SqliteBus) -> None:
    parent = await asks(bus)
    child = await taken(bus, "scout")
    await bus.final(child, Outcome.DONE, Result("Here it is."))
    await bus.cancel(parent.id, actor="person")

    assert await bus.call_back(child, "Here it is.") is None

    assert bus.reader.tasks(state=State.REQUEST) == []


async def test_a_cancelled_task_takes_along_what_it_asked_of_others(bus: SqliteBus) -> None:
    parent = await asks(bus)
    child = await taken(bus, "scout")

    await bus.cancel(parent.id, actor="person")

    ended = await bus.get(child.id)
    assert ended.outcome is Outcome.CANCELLED
    assert ended.error == f"its asker, task {parent.id}, was cancelled"


async def test_a_note_to_a_task_that_is_cancelled_goes_with_it(bus: SqliteBus) -> None:
    await bus.request(Request("scout", "Look."))
    task = await taken(bus, "scout")
    await bus.tell(task.id, "person", "Also at the sea.")
    await bus.cancel(task.id, actor="person")

    (note,) = await bus.leftovers_of_ended()
    assert await bus.ask_again(note) is None

    assert await bus.leftovers_of_ended() == []
    assert bus.reader.tasks(state=State.REQUEST) == []
