"""The daemon's own deeds: started, read again, called, ended, stopped."""

from __future__ import annotations

from harness.audit.reader import last_lines
from harness.audit.verify import verify
from harness.bus.port import Request
from tests.flows.house import House

CANARY = "ghp_" + "c4n4ry" * 6


async def test_a_task_leaves_its_calls_and_its_end_in_the_audit(house: House) -> None:
    call = {"name": "shared_context", "arguments": {"action": "write", "name": "A", "text": CANARY}}
    house.script("player", [{"calls": [call]}, {"text": f"Done with {CANARY}."}])
    house.agent("scout", "shared_context", model="player")

    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Look."))
        await house.final(app, task)

    lines = last_lines(house.home.audit, 20)
    called = next(line for line in lines if line.action == "tool.called")
    ended = next(line for line in lines if line.action == "task.ended")
    assert [line.action for line in lines] == ["daemon.started", "tool.called", "task.ended"]
    assert (called.actor, called.target) == ("agent:scout", "shared_context")
    assert called.details["task"] == task.id
    assert called.details["arguments"]["text"] == "[redacted]"
    assert (ended.target, ended.details["outcome"]) == (task.id, "done")
    assert verify(house.home.audit).ok
    transcript = (house.home.sessions / f"{task.id}-1.jsonl").read_text()
    assert "shared_context" in transcript
    assert CANARY not in transcript


async def test_an_end_that_no_daemon_saw_is_caught_up_once(house: House) -> None:
    house.agent("scout")
    async with house.daemon() as app:
        await house.final(app, await app.bus.request(Request("scout", "One.")))
        late = await app.bus.request(Request("scout", "Two.", not_before=house.clock.now().max))
        app.auditor.look = lambda: None  # type: ignore[method-assign]  # as if it were killed
        await app.bus.cancel(late.id, actor="person")

    for _ in range(2):
        async with house.daemon():
            pass

    ends = [line.target for line in last_lines(house.home.audit, 99) if line.action == "task.ended"]
    assert ends.count(late.id) == 1
    assert len(ends) == 2


async def test_reading_files_again_is_recorded_with_its_problems(house: House) -> None:
    house.agent("scout")
    async with house.daemon() as app:
        house.home.cron_file.write_text("jobs: [\n")
        await app.reload()

    reloaded = last_lines(house.home.audit, 9)[-1]
    assert reloaded.action == "files.reloaded"
    assert "cron.yaml" in reloaded.details["problems"][0]
