"""From a mistake to a rule that holds: an agent forgets from day to day, and the house does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from harness.bus.port import Outcome, Stamp, State, Task
from harness.ids import Ids
from harness.memory.learning import Status
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.recurrence import recurrence
from harness.text.secrets import Redactor
from tests.doubles.ollama import Answer, OllamaDouble, call
from tests.flows.house import House

ZONE = ZoneInfo("America/Los_Angeles")
WRONG, RIGHT = "BUY_AMT", "BILLBOARD_BUY_AMT"
RULE = f"When calling read, always use {RIGHT}.csv instead of {WRONG}.csv."


def forgetful(body: Mapping[str, Any]) -> Answer:
    """A model that takes the wrong field until it is told the right one in its prompt."""
    if not body.get("tools"):
        return Answer(RULE)
    messages = body["messages"]
    last = messages[-1]
    if last["role"] == "tool":
        return (
            Answer(f"Bought: {last['content'][:40]}") if "42" in last["content"] else fetch(RIGHT)
        )
    return fetch(RIGHT if RIGHT in json.dumps(messages) else WRONG)


def fetch(field: str) -> Answer:
    return Answer(calls=[call("read", path=f"data/{field}.csv")])


@pytest.fixture
async def ollama(house: House) -> AsyncIterator[OllamaDouble]:
    """A home whose trading desk looks up one amount each morning, and reflects at night."""
    async with OllamaDouble(answers=forgetful) as server:
        chat = {"provider": "ollama", "model": "qwen3:8b", "num_ctx": 16384}
        house.settings["models"] = {"default": "chat", "profiles": {"chat": chat}}
        house.agent("trading", "read", model="chat")
        house.agent("zoe", model="chat")
        data = house.home.root / "data"
        data.mkdir()
        (data / f"{RIGHT}.csv").write_text("amount\n42\n")
        house.job("trading-morning", agent="trading", cron="30 7 * * *", prompt="Today's amount?")
        house.job("reflection", agent="zoe", cron="0 22 * * *", work="reflect")
        yield server


async def passed(house: House, ollama: OllamaDouble, job: str, day: int) -> Task:
    """A daemon that is started right before the job's slot of that day in January, and stopped
    once the job's task is final and read."""
    hour, minute = (7, 30) if job == "trading-morning" else (22, 0)
    due = datetime(2026, 1, day, hour, minute, tzinfo=ZONE)
    house.clock.shift(due - timedelta(seconds=2) - house.clock.now())
    async with house.daemon({"OLLAMA_HOST": ollama.url}) as app:

        def tasks() -> list[Task]:
            return [task for task in app.bus.reader.tasks(job=job) if task.created_at >= due]

        await house.until(lambda: any(is_learned(task) for task in tasks()))
        (task,) = tasks()
    return task


def is_learned(task: Task) -> bool:
    return task.state is State.FINAL and getattr(task, Stamp.LEARNED) is not None


async def mistakes_of(house: House, ollama: OllamaDouble, day: int) -> int:
    """How often the wrong field was asked for that morning; the night is over after this."""
    asked = len(ollama.chats)
    task = await passed(house, ollama, "trading-morning", day)
    turns = len(ollama.chats) - asked
    night = await passed(house, ollama, "reflection", day)
    assert (task.outcome, night.outcome) == (Outcome.DONE, Outcome.DONE)
    return turns - len(("a call that works", "the answer"))


def longterm(house: House) -> LongTerm:
    return LongTerm(house.home, "trading", Ids(house.clock), Redactor())


async def test_a_mistake_of_three_days_is_a_rule_on_the_fourth_and_back_when_it_is_undone(
    house: House, ollama: OllamaDouble
) -> None:
    mistakes = [await mistakes_of(house, ollama, day) for day in (5, 6, 7)]
    (entry,) = longterm(house).book.learnings()
    rules = [line.rule for line in longterm(house).lines() if line.rule]

    fourth = await mistakes_of(house, ollama, 8)
    told = json.dumps(ollama.chats[-1]["messages"])
    (after,) = longterm(house).book.learnings()
    helped = recurrence(after, date(2026, 1, 8))

    longterm(house).undo(rules[0].id, "person", house.clock.now())
    fifth = await mistakes_of(house, ollama, 9)

    assert mistakes == [1, 1, 1]
    assert (entry.count, len(entry.tasks), entry.status) == (3, 3, Status.PROMOTED)
    assert [rule.text for rule in rules] == [RULE]
    assert (fourth, fifth) == (0, 1)
    assert "since 2026-01-07, seen 3 times" in told
    assert helped is not None
    assert (helped.before, helped.after) == (3, 0)
