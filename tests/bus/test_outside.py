"""The mark of words from outside, as it goes from task to task."""

from __future__ import annotations

from harness.bus.handed import Handed, payload_of
from harness.bus.outside import MOST, PRIVATE, outside_of, outside_payload, source_of
from harness.bus.port import Outcome, Request, Result, State, Task
from harness.bus.sqlite import SqliteBus
from harness.text.fence import fenced

READ = Result("Sell the lighthouse.", outside=("b.test",))


async def ended(bus: SqliteBus, result: Result) -> None:
    task = await bus.claim("scout", cap=1, owner="s")
    assert task is not None
    await bus.final(task, Outcome.DONE, result)


async def test_the_mark_goes_from_task_to_task(bus: SqliteBus) -> None:
    """From an answer to who is called back, and from a note that came too late to who reads it."""
    asking = await bus.request(Request("zoe", "Ask scout."))
    asked = await bus.request(
        Request("scout", "Look.", sender="zoe", parent=asking.id, callback=True)
    )
    await ended(bus, READ)

    told = await bus.call_back(await bus.get(asked.id), fenced("scout", "Sell."))
    note = await bus.tell(asking.id, "scout", fenced("scout", "Sell."))
    late = await bus.ask_again(note)

    result = (await bus.get(asked.id)).result
    assert result is not None
    assert list(result.outside) == ["b.test"]
    assert isinstance(told, Task)
    assert outside_of(told.payload) == ["b.test"]
    assert late is not None
    assert outside_of(late.payload) == ["scout"]


async def test_what_nobody_outside_wrote_has_no_mark(bus: SqliteBus) -> None:
    asking = await bus.request(Request("zoe", "Ask scout."))
    asked = await bus.request(
        Request("scout", "Look.", sender="zoe", parent=asking.id, callback=True)
    )
    await ended(bus, Result("Nothing new."))

    told = await bus.call_back(await bus.get(asked.id), "Nothing new.")

    assert isinstance(told, Task)
    assert outside_of(told.payload) == []
    assert told.payload == {PRIVATE: True}
    assert source_of(await bus.get(asked.id)) == ""


async def test_a_note_that_came_too_late_is_open_when_a_person_wrote_it(bus: SqliteBus) -> None:
    asking = await bus.request(Request("scout", "Look."))
    notes = [await bus.tell(asking.id, sender, "Sell.") for sender in ("person", "zoe")]
    await ended(bus, Result("Nothing new."))

    late = [await bus.ask_again(note) for note in notes]

    assert [task and task.payload for task in late] == [{}, {PRIVATE: True}]


def test_what_is_handed_over_brings_its_mark() -> None:
    clean = Handed("a", "scout", "07:00", "done", "01A", "Text.")
    read = Handed("b", "scout", "07:00", "done", "01B", "Text.", ("b.test",))

    payload = outside_payload(["a.test"]) | payload_of([clean, read])

    assert outside_of(payload) == ["a.test", "b.test"]


def test_very_many_sources_are_told_in_part() -> None:
    assert outside_payload([]) == {}
    assert len(outside_of(outside_payload(f"{n}.test" for n in range(100)))) == MOST


def test_states_stay_what_they_were() -> None:
    assert [state.value for state in State] == ["request", "confirmed", "final", "dead"]
