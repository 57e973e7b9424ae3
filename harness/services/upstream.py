"""What the jobs that another one waits for have come to, and what they hand over to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo

from harness.bus.handed import Handed, payload_of
from harness.bus.port import Due, Request, Result, Slot, SlotStatus, State, Task
from harness.bus.reader import Reader
from harness.config.job import Job
from harness.errors import NotFound
from harness.services.absence import ABSENT
from harness.services.fires import request_in_time
from harness.services.joins import Leg, Round, days
from harness.services.misfire import verdict
from harness.text.invisible import visible
from harness.text.words import clip

DAY = timedelta(days=1)
MAX_CHARS = 60_000  # of one answer; what goes into a prompt is less
ERROR_CHARS = 300
NOTHING = "none of the jobs that it waits for fired"
OVERTAKEN = "a later round was over first"


def rounds_of(job: Job, reader: Reader, since: datetime) -> list[Round]:
    """The rounds of the jobs that `job` waits for whose slot is later than `since`, oldest
    first."""
    names = job.line.after or []
    newest = [reader.last_slot(name) for name in names]
    ends = [midnight(slot.slot, job.zone, days=1) for slot in newest if slot is not None]
    begin = midnight(since, job.zone)
    if len(ends) < len(names) or min(ends) <= begin:
        return []
    histories = [reader.slots_between(name, begin, min(ends)) for name in names]
    found = [slots for slots in days(histories, job.zone) if max(s.slot for s in slots) > since]
    return [Round(tuple(Leg(slot, task_of(slot, reader)) for slot in slots)) for slots in found]


def task_of(slot: Slot, reader: Reader) -> Task | None:
    try:
        return reader.get(slot.task) if slot.task is not None else None
    except NotFound:  # a dead task that a person has purged
        return None


def midnight(moment: datetime, zone: tzinfo, days: int = 0) -> datetime:
    """The beginning of the day of `moment` in a zone, or of another day after it."""
    return datetime.combine(moment.astimezone(zone).date() + days * DAY, time(), zone)


def dues_of(job: Job, rounds: Sequence[Round], now: datetime) -> list[Due]:
    """How the rounds end that can end now: all up to the newest that is over."""
    while rounds and rounds[-1].over is None:
        rounds = rounds[:-1]
    return [due_of(job, each, now, newest=each is rounds[-1]) for each in rounds]


def due_of(job: Job, each: Round, now: datetime, *, newest: bool) -> Due:
    if each.over is None:
        return Due(each.slot, now - each.slot, SlotStatus.MISSED, note=OVERTAKEN)
    late = max(now - each.over, timedelta(0))
    if each.is_empty:
        return Due(each.slot, late, SlotStatus.SKIPPED, note=NOTHING)
    grace = job.grace(each.slot, None)
    status = verdict(late, newest=newest, misfire=job.line.misfire, grace=grace)
    if status is SlotStatus.MISSED:
        return Due(each.slot, late, status, note=ABSENT)
    return Due(each.slot, late, status, request_after(job, each, now, grace))


def request_after(job: Job, each: Round, now: datetime, grace: timedelta) -> Request:
    """What the job asks, with what the jobs before it came to."""
    handed = [handed_by(leg, job.zone) for leg in each.legs]
    wish = request_in_time(job, now, grace)
    return replace(wish, payload={**wish.payload, **payload_of(handed)})


def handed_by(leg: Leg, zone: tzinfo) -> Handed:
    slot, task = leg.slot, leg.task
    at = slot.slot.astimezone(zone).isoformat(timespec="minutes")
    if task is None:
        ended = (
            f"{slot.status}: {slot.note}" if slot.note else f"{slot.status}, its task was purged"
        )
        return Handed(slot.job, "", at, ended, slot.task, "")
    how = task.state if task.state is State.DEAD or task.outcome is None else task.outcome
    ended = f"{how}: {clip(one_line(task.error), ERROR_CHARS)}" if task.error else str(how)
    text = visible(task.result.text).strip() if task.result else ""
    result = task.result or Result()
    return Handed(
        slot.job,
        task.agent,
        at,
        ended,
        task.id,
        clip(text, MAX_CHARS),
        outside=result.outside,
        private=result.private,
    )


def one_line(text: str) -> str:
    return " ".join(visible(text).split())
