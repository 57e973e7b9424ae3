"""What must hold when all is over, whatever happened before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from harness.bus.port import Outcome, SlotStatus, State, Task
from harness.bus.reader import Reader
from harness.config.crontab import Crontab
from tests.simulation.world import World

EVERYTHING = 10**6  # rows
ENDED = {State.FINAL, State.DEAD}


def judge(reader: Reader, world: World, crontab: Crontab, end: datetime) -> None:
    """Raises AssertionError with the promise that was broken."""
    assert not world.broken, "; ".join(world.broken)
    tasks = reader.tasks(limit=EVERYTHING)
    for task in tasks:
        ends_once(reader, task)
        is_delivered(reader, world, task)
        does_nothing_twice(world, task)
    callbacks_arrive(reader, tasks)
    every_slot_is_one_row(reader, crontab, end)


def ends_once(reader: Reader, task: Task) -> None:
    finals = [e for e in reader.events(task.id) if e.state is State.FINAL]
    assert task.state in ENDED, f"{task.id} is in {task.state}"
    assert len(finals) == (task.state is State.FINAL), f"{task.id} has {len(finals)} finals"
    assert task.lease_until is None, f"{task.id} is over and still held"


def is_delivered(reader: Reader, world: World, task: Task) -> None:
    speaks = task.result is not None and bool(task.result.text)
    if task.state is State.FINAL and task.deliver and speaks:
        rows = reader.deliveries(task.id)
        sent = [row.channel for row in rows if row.state == "sent"]
        given_up = any(row.state == "failed" for row in rows)
        assert given_up or (sent == ["box"] and world.mailbox[task.id] == 1), f"{task.id}: {rows}"
    else:
        assert world.mailbox[task.id] == 0, f"{task.id} was delivered and should not be"


def does_nothing_twice(world: World, task: Task) -> None:
    times = world.deeds[task.id, "call"]
    assert times <= 1 or task.id in world.resent, f"{task.id} did its deed {times} times"
    if times and task.id not in world.resent and task.state is State.DEAD:
        return  # done, and the attempt failed later or nobody knows: a person decides
    if task.outcome is Outcome.UNKNOWN:
        assert task.state is State.DEAD, f"{task.id} is unknown and not dead"


def callbacks_arrive(reader: Reader, tasks: list[Task]) -> None:
    keys = Counter(task.key for task in tasks if task.key and task.key.startswith("callback:"))
    by_id = {task.id: task for task in tasks}
    notes = told_by_note(reader)
    for task in tasks:
        if not task.callback:
            continue
        assert task.called_back_at is not None, f"{task.id}: its asker was never told"
        parent = by_id[task.parent or ""]
        asked = keys[f"callback:{task.id}"]
        told = asked + (parent.id in notes)
        assert told or parent.outcome is Outcome.CANCELLED, f"{task.id}: told in no way"
        assert asked <= 1, f"{task.id}: told {asked} times"


def told_by_note(reader: Reader) -> set[str]:
    return {row[0] for row in reader.db.execute("SELECT DISTINCT task FROM notes")}


def every_slot_is_one_row(reader: Reader, crontab: Crontab, end: datetime) -> None:
    for name, job in crontab.jobs.items():
        rows = reader.slots(name, limit=EVERYTHING)
        fired = [row.task for row in rows if row.status is SlotStatus.FIRED]
        assert None not in fired, f"{name}: a slot fired and asked for nothing"
        assert len(set(fired)) == len(fired), f"{name}: two slots share a task"
        if job.line.after is None:
            recorded = {row.slot for row in rows if row.slot <= end}
            assert recorded == set(planned(reader, crontab, name, end)), f"{name}: slots differ"


def planned(reader: Reader, crontab: Crontab, name: str, end: datetime) -> Iterator[datetime]:
    """The slots that a schedule has from when it was first met on, worked out anew."""
    state = reader.job(name)
    assert state is not None, f"{name} was never met"
    for slot in crontab.jobs[name].slots(state.since):
        if slot > end:
            return
        yield slot
