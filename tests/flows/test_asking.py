"""One agent asks another, and hears of the answer."""

from __future__ import annotations

from harness.app import App
from harness.bus.port import Outcome, Request, Result, State
from harness.models.scripted import ScriptedModel
from tests.flows.house import House


async def test_the_asker_gets_a_callback_at_the_final(house: House) -> None:
    ask = {"name": "request", "arguments": {"agent": "macro", "prompt": "How is it?"}}
    house.script("asks", [{"calls": [ask]}, {"text": "Asked."}, {"text": "So."}])
    house.script("answers", [{"text": "It is well."}])
    house.agent("zoe", "request", model="asks")
    house.agent("macro", model="answers")

    async with house.daemon() as app:
        asked = await app.bus.request(Request("zoe", "Ask macro how it is."))
        await house.until(lambda: len(app.bus.reader.tasks(state=State.FINAL)) == 3)
        tasks = app.bus.reader.tasks()
        zoe = app.models.built["asks"]
        assert isinstance(zoe, ScriptedModel)
        last_words = zoe.requests[-1].messages[-1].content

    assert {task.outcome for task in tasks} == {Outcome.DONE}
    (child,) = [task for task in tasks if task.agent == "macro"]
    assert (child.parent, child.root, child.sender) == (asked.id, asked.id, "zoe")
    assert "It is well." in last_words


async def test_a_note_that_came_too_late_becomes_a_task_of_its_own(house: House) -> None:
    house.agent("scout")
    house.script("plain", [{"text": "First."}, {"text": "Second."}])
    house.agent("scout", model="plain")
    app = App.open(house.home, house.clock, {})
    task = await app.bus.request(Request("scout", "Look."))
    held = await app.bus.claim("scout", cap=1, owner="session")
    assert held is not None
    await app.bus.tell(task.id, "person", "Look left, too.")
    await app.bus.final(held, Outcome.DONE, Result(text="Nothing."))
    await app.aclose()

    async with house.daemon() as app:
        await house.until(lambda: len(app.bus.reader.tasks(state=State.FINAL)) == 2)
        late = app.bus.reader.tasks()[0]

    assert "Look left, too." in late.prompt
    assert late.root == task.id
