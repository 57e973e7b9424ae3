"""One agent asks another, and hears of the answer."""

from __future__ import annotations

from harness.bus.port import Outcome, Request, State
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
