"""What goes on around a task that waits for a person: kills, notes, limits, deadlines."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from harness.app import App
from harness.bus.port import Outcome, Request, State
from tests.flows.house import House
from tests.flows.person import (
    DIARY,
    actions,
    asked,
    decide,
    heard,
    killed,
    person,
    player,
    questions,
    read,
    write,
)

pytestmark = pytest.mark.usefixtures("diarist")


async def test_a_kill_between_question_and_park_keeps_the_question_and_the_session(
    house: House,
) -> None:
    app = App.open(house.home, house.clock, {})
    task = await app.bus.request(Request("scout", "Keep the diary."))
    await killed(app, house, at="park")
    (question,) = questions(house)
    house.script("player", ["The diary is written."])

    async with house.daemon() as app:
        assert await asked(house, app) == [question]
        decide(house, question)
        done = await house.final(app, task)

    assert (done.outcome, len(player(app).requests)) == (Outcome.DONE, 1)
    assert (house.home.root / DIARY).exists()


async def test_a_kill_before_the_session_could_say_that_it_waits_asks_no_second_time(
    house: House,
) -> None:
    app = App.open(house.home, house.clock, {})
    task = await app.bus.request(Request("scout", "Keep the diary."))
    await killed(app, house, at="park")
    transcript = house.home.sessions / f"{task.id}-1.jsonl"
    lines = transcript.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[-1])["type"] == "ended"
    transcript.write_bytes(b"".join(lines[:-1]))
    (question,) = questions(house)
    decide(house, question)

    async with house.daemon() as app:  # it begins anew, and meets its own question
        done = await house.final(app, task)

    assert (done.outcome, len(player(app).requests)) == (Outcome.DONE, 2)
    assert actions(house).count("tool.asked") == 1


async def test_a_kill_after_the_wait_begins_at_the_wait_again(house: House) -> None:
    house.script("player", [{"calls": [write()]}])
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary."))
        (question,) = await asked(house, app)
    decide(house, question)
    house.script("player", ["Never recorded."])
    await killed(App.open(house.home, house.clock, {}), house, at="final")
    house.script("player", ["The diary is written."])

    async with house.daemon() as app:
        done = await house.final(app, task)

    assert done.result is not None
    assert (done.result.text, done.attempt) == ("The diary is written.", 3)
    assert len(player(app).requests) == 1


async def test_notes_from_before_and_during_the_wait_are_read_once(house: House) -> None:
    house.script("player", [{"calls": [write("free/a.md")]}, {"calls": [write()]}, "Done."])
    async with house.daemon() as app:
        app.dispatcher.lanes = dict  # nobody takes it up yet
        task = await app.bus.request(Request("scout", "Keep the diary."))
        await app.bus.tell(task.id, "person", "Mind the tide.")
        app.dispatcher.lanes = app.lanes
        (question,) = await asked(house, app)
        await app.bus.tell(task.id, "person", "And the moon.")
        decide(house, question)
        await house.final(app, task)

        assert heard(app).count("Mind the tide.") == 1
        assert heard(app).count("And the moon.") == 1


async def test_a_task_that_waits_can_be_cancelled_and_its_question_goes_with_it(
    house: House,
) -> None:
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary."))
        await asked(house, app)
        with person(house) as bus:
            bus.cancel(task.id, actor="person")
        ended = await house.final(app, task)

    assert (ended.outcome, questions(house)) == (Outcome.CANCELLED, [])


async def test_a_question_of_a_job_expires_before_its_task_does(house: House) -> None:
    house.settings["permissions"]["patience"] = "12h"
    house.job("diary", agent="scout", cron="30 7 * * *", grace="2m", timeout="3m", deliver=[])
    async with house.daemon() as app:
        (question,) = await asked(house, app)
        task = app.bus.reader.get(question.task)
        assert task.deadline is not None
        assert question.expires_at == task.deadline - timedelta(minutes=1)

        await house.until(lambda: house.clock.now() >= question.expires_at, step=2)
        done = await house.final(app, task)

        assert "did not answer in time" in heard(app)
    assert done.outcome is Outcome.DONE


async def test_a_dead_task_that_is_sent_again_asks_anew(house: House) -> None:
    away = {"error": "unavailable"}
    house.script("player", [{"calls": [write()]}, away, "The diary is written."])
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary.", max_attempts=1))
        (question,) = await asked(house, app)
        decide(house, question, approved=False)
        assert (await house.final(app, task)).state is State.DEAD

        with person(house) as bus:
            bus.resend(task.id, actor="person")
        (again,) = await asked(house, app)
        decide(house, again)
        done = await house.final(app, task)

    assert (again.id != question.id, again.call == question.call) == (True, True)
    assert (done.outcome, len(player(app).requests)) == (Outcome.DONE, 3)


async def test_turns_are_counted_across_the_wait(house: House) -> None:
    house.settings["session"] = {"max_turns": 2}
    turns = [{"calls": [write(content=str(n))]} for n in range(2)]
    house.script("player", [*turns, "It must end here."])
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary."))
        (first,) = await asked(house, app)
        decide(house, first)
        await house.until(lambda: [q.id for q in questions(house)] not in ([], [first.id]))
        (second,) = await asked(house, app)
        decide(house, second)
        done = await house.final(app, task)

        assert player(app).requests[-1].tools == ()
    assert done.result is not None
    assert (done.outcome, done.result.text) == (Outcome.PARTIAL, "It must end here.")
    assert "all 2 turns are used" in (done.error or "")


async def test_a_long_result_can_be_read_on_after_the_wait(house: House) -> None:
    (house.home.root / "long.md").write_text(
        "\n".join(f"{n} of {'many ' * 20}." for n in range(400))
    )
    more = {"name": "read_result", "arguments": {"id": "call-1-1", "offset": 24_000}}
    house.script("player", [{"calls": [read("long.md")]}, {"calls": [write()]}])
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Read, then write."))
        (question,) = await asked(house, app)
    decide(house, question)
    house.script("player", [{"calls": [more]}, "Read on."])

    async with house.daemon() as app:
        await house.final(app, task)
        result = player(app).requests[-1].messages[-1]

    assert "250 of many" in result.content


async def test_an_answer_of_another_agent_comes_as_a_note_to_the_task_that_waits(
    house: House,
) -> None:
    wish = {"name": "request", "arguments": {"agent": "macro", "prompt": "How is the sea?"}}
    house.script("player", [{"calls": [wish, write()]}, "The diary is written."])
    house.script("answers", ["The sea is calm."])
    house.agent("scout", "request", "write", model="player")
    house.agent("macro", model="answers")
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary."))
        (question,) = await asked(house, app)
        (child,) = app.bus.reader.tasks(agent="macro")
        await house.until(lambda: app.bus.reader.get(child.id).called_back_at is not None)
        assert app.bus.reader.get(task.id).state is State.REQUEST
        decide(house, question)
        done = await house.final(app, task)

        assert "The sea is calm." in heard(app)
        assert len(app.bus.reader.tasks(agent="scout")) == 1
    assert done.outcome is Outcome.DONE
