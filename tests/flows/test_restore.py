"""A house that is put back a week later: what was under way, and what was due meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from harness.app import App
from harness.backup.pack import make_backup
from harness.backup.restore import restore
from harness.bus.port import Request, SlotStatus, State
from tests.flows.house import House

WEEK = timedelta(days=7)


async def test_after_a_week_the_due_slots_are_missed_and_the_open_task_goes_on(
    house: House, tmp_path: Path
) -> None:
    house.agent("scout")
    house.job("hourly", agent="scout", every="1h", misfire="all")
    house.job("daily", agent="scout", cron="0 9 * * *", misfire="once")
    app = App.open(house.home, house.clock, {})
    await app.scheduler.apply(app.crew.crontab)
    task = await app.bus.request(Request("scout", "Look."))
    await app.bus.claim("scout", cap=1, owner=app.owner)
    made = make_backup(house.home, tmp_path / "b.tar.gz", house.clock.now())
    await app.aclose()

    house.clock.shift(WEEK)
    restore(made.file, house.home.root, house.clock.now())
    async with house.daemon() as app:
        await house.final(app, task)
        await house.until(lambda: len(app.bus.reader.slots("hourly", limit=1000)) >= 168)
        slots = {job: app.bus.reader.slots(job, limit=1000) for job in ("hourly", "daily")}
        tasks = app.bus.reader.tasks(limit=1000)
        events = app.bus.reader.events(task.id)

    assert made.manifest.in_flight == (task.id,)
    assert [event.state for event in events] == [
        *(State.REQUEST, State.CONFIRMED, State.REQUEST, State.CONFIRMED, State.FINAL)
    ]
    for job, rows in slots.items():
        statuses = Counter(slot.status for slot in rows)
        assert statuses[SlotStatus.FIRED] <= 1, job  # the one within its grace
        assert statuses[SlotStatus.MISSED] >= len(rows) - 1, job
    assert len(slots["hourly"]) >= 168
    assert len(slots["daily"]) == 7
    assert len(tasks) <= 3
