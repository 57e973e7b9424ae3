"""What a session is told of the memory, in a whole house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.bus.port import Outcome, Request, Task
from harness.memory.search.index import Index
from harness.session.transcript import read_transcript
from tests.flows.house import House
from tests.flows.person import asked, decide, heard, write

TASK = "Which harbour has the tallest lighthouse?"
NOTE = "The tallest lighthouse is in Jeddah harbour."


def remember(house: House, *lines: str) -> Path:
    log = house.home.memory("scout") / "2026-01-02.md"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(["# 2026-01-02", "", *lines]) + "\n")
    return log


@pytest.fixture
def scout(house: House) -> None:
    house.agent("scout", "memory", "web_fetch", model="player")
    house.script("player", ["Jeddah."])


async def answered(house: House, prompt: str = TASK) -> tuple[Task, str]:
    """The task once it is over, and all that its model was told."""
    async with house.daemon() as app:
        task = await house.final(app, await app.bus.request(Request("scout", prompt)))
        return task, heard(app)


@pytest.mark.usefixtures("scout")
async def test_a_session_is_told_the_note_that_helps_with_its_task(house: House) -> None:
    remember(house, f"- 09:12Z {NOTE}")

    task, said = await answered(house)

    assert task.outcome is Outcome.DONE
    system, _, opening = said.partition(TASK)
    assert NOTE not in system
    assert f"{NOTE} (memory/scout/2026-01-02.md:3; 2026-01-02, 3 days ago)" in opening


@pytest.mark.usefixtures("scout")
async def test_what_was_told_stands_in_the_transcript(house: House) -> None:
    remember(house, f"- 09:12Z {NOTE}")

    task, _ = await answered(house)

    header = read_transcript(house.home.sessions / f"{task.id}-1.jsonl").header
    assert NOTE in header.recalled.notes


@pytest.mark.usefixtures("scout")
async def test_a_greeting_is_told_nothing_of_the_memory(house: House) -> None:
    remember(house, *(f"- 09:{n:02d}Z Good morning, ship {n}!" for n in range(9)))

    _, said = await answered(house, "Good morning!")

    assert "From your notes" not in said


@pytest.mark.usefixtures("scout")
async def test_a_person_who_wants_no_recall_sets_it_to_nothing(house: House) -> None:
    remember(house, f"- 09:12Z {NOTE}")
    house.settings["memory"] = {"recall": 0}
    house.write()

    _, said = await answered(house)

    assert "From your notes" not in said


@pytest.mark.usefixtures("scout")
async def test_an_index_that_breaks_costs_no_task(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*arguments: object, **more: object) -> None:
        raise RuntimeError("the disk is on fire")

    remember(house, f"- 09:12Z {NOTE}")
    monkeypatch.setattr(Index, "search", breaks)

    task, said = await answered(house)

    assert task.outcome is Outcome.DONE
    assert "From your notes" not in said


@pytest.mark.usefixtures("diarist")
async def test_a_session_that_waited_goes_on_with_the_words_it_began_with(house: House) -> None:
    house.script("player", [{"calls": [write()]}, "The diary is written."])
    log = remember(house, "- 09:12Z The diary of the calm sea is kept in blue ink.")
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary of the calm sea."))
        (question,) = await asked(house, app)
        log.write_text("# 2026-01-02\n\n- The diary of the calm sea is kept in red ink.\n")
        app.index.sync()
        decide(house, question)
        done = await house.final(app, task)
        first, last = heard(app, 0), heard(app, -1)

    assert done.outcome is Outcome.DONE
    assert "blue ink" in first
    assert "blue ink" in last
    assert "red ink" not in last
    headers = [
        json.loads((house.home.sessions / f"{task.id}-{attempt}.jsonl").read_text().split("\n")[0])
        for attempt in (1, 2)
    ]
    assert headers[0]["recalled"] == headers[1]["recalled"]
