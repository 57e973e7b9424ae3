"""What a task costs stands in the ledger, with who it was for."""

from __future__ import annotations

from datetime import timedelta

from harness.bus.port import Priority, Request, Task
from harness.models.ledger.call import Call
from harness.models.ledger.reader import LedgerReader
from harness.services.night.housework import model_of
from tests.doubles.ollama import Answer, OllamaDouble, call
from tests.flows.house import House

MODEL = "qwen3:8b"


def calls(house: House) -> list[Call]:
    now = house.clock.now()
    with LedgerReader(house.home.ledger) as reader:
        return reader.calls(now - timedelta(days=1), now + timedelta(days=1))


async def ask(house: House, ollama: OllamaDouble, *answers: Answer | str) -> Task:
    """A task of scout's for that model, done."""
    profile = {"provider": "ollama", "model": MODEL}
    house.settings["models"] = {"default": "chat", "profiles": {"chat": profile}}
    house.agent("scout", "glob", model="chat")
    house.write()
    ollama.say(*answers)
    async with house.daemon({"OLLAMA_HOST": ollama.url}) as app:
        task = await app.bus.request(Request("scout", "Look.", priority=Priority.P0))
        return await house.final(app, task)


async def test_each_turn_of_a_session_is_a_row_with_its_agent_task_and_host(house: House) -> None:
    async with OllamaDouble() as ollama:
        look = Answer(calls=[call("glob", pattern="*.md")])
        task = await ask(house, ollama, look, Answer("Nothing there."))

    first, second = calls(house)
    for row in (first, second):
        assert (row.agent, row.task, row.priority) == ("scout", task.id, "P0")
        assert (row.purpose, row.profile, row.model) == ("session", "chat", f"ollama/{MODEL}")
        assert (row.host, row.outcome, row.estimated) == ("local", "done", False)
        assert row.prompt_tokens > 0
        assert row.why
    assert first.reused is None
    assert second.reused is not None
    assert second.reused > 0.9
    assert task.result is not None
    assert sum(row.prompt_tokens for row in (first, second)) == task.result.tokens["prompt"]


async def test_a_model_that_is_brought_in_is_a_load(house: House) -> None:
    async with OllamaDouble() as ollama:
        await ask(house, ollama, Answer("Nothing there."))

    now = house.clock.now()
    with LedgerReader(house.home.ledger) as reader:
        (load,) = reader.loads(now - timedelta(days=1), now + timedelta(days=1))
    assert (load.host, load.model, load.evicted) == ("local", MODEL, ())


async def test_without_a_language_model_rows_are_written_and_nothing_is_spent(
    house: House,
) -> None:
    house.agent("scout", "glob")
    async with house.daemon() as app:
        await house.final(app, await app.bus.request(Request("scout", "Look.")))

    rows = calls(house)
    assert rows
    assert {row.model.split("/")[0] for row in rows} == {"extractive"}
    assert sum(row.prompt_tokens + row.completion_tokens for row in rows) == 0


async def test_the_wording_of_rules_is_the_small_models(house: House) -> None:
    house.agent("scout")
    house.script("tiny", [])
    house.settings["models"]["small"] = "tiny"
    house.write()

    async with house.daemon() as app:
        model = model_of(app.models, app.crew, "scout")
        assert model is not None
        assert model.name == "scripted/tiny.script"
        assert model_of(app.models, app.crew, "nobody") is None
