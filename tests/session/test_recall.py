"""Retrieve, then inject: what of a home's memory is told for a task."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from harness.clock import Clock, FakeClock, SystemClock
from harness.config.home import Home
from harness.config.skills import read_skill
from harness.errors import Held
from harness.memory.notes.uses import Uses, key_of
from harness.memory.search.index import Index
from harness.memory.search.units import Hit, Unit
from harness.models.extractive.situation import read
from harness.models.port import ChatRequest, Message, Role
from harness.session.prompt import Ask, Parts, compose, opening
from harness.session.recall import Recall, Wanted, block
from harness.session.recalled import NOTHING, Recalled
from harness.text.tokens import estimate_tokens

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WANTED = Wanted("scout", "Which harbour has the tallest lighthouse?", "", 1_000, NOON)
SKILL = """---
name: letters
description: How letters are written.
---
# Greeting

A letter to the harbour begins with the name of its lighthouse.
"""


class House:
    """Memory files, an index over them, and recall."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.index = Index(self.home, FakeClock(NOON))
        self.uses = Uses(self.home)
        self.recall = Recall(self.index, root, self.uses)

    def write(self, path: str, *lines: str) -> None:
        file = self.home.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n")

    async def notes(self, wanted: Wanted = WANTED) -> str:
        self.index.sync()
        return (await self.recall.find(wanted)).notes


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_note_is_told_with_its_source_its_day_and_its_age(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        "# 2026-11-18",
        "",
        "- 09:12Z The lighthouse of Bremen harbour is 43 m tall.",
    )

    notes = await house.notes()

    assert notes.startswith("# From your notes\n\n")
    assert "The lighthouse of Bremen harbour is 43 m tall." in notes
    assert "(memory/scout/2026-11-18.md:3; 2026-11-18, 3 days ago)" in notes


async def test_shared_pages_are_told_and_anothers_memory_never(house: House) -> None:
    house.write("shared-context/sea.md", "- The tallest lighthouse is in Jeddah harbour.")
    house.write("memory/zoe/2026-11-18.md", "- Zoe dreams of a lighthouse in a harbour.")

    notes = await house.notes()

    assert "Jeddah" in notes
    assert "undated" in notes
    assert "dreams" not in notes


async def test_a_greeting_is_told_nothing(house: House) -> None:
    house.write("memory/scout/2026-11-18.md", *(f"- Good morning to guest {n}." for n in range(9)))

    assert await house.notes(replace(WANTED, task="Good morning!\nGood morning!")) == ""


async def test_one_common_word_is_no_reason_to_tell_a_note(house: House) -> None:
    house.write("memory/scout/2026-11-18.md", *(f"- The harbour has {n} ships." for n in range(9)))

    assert await house.notes() == ""


async def test_one_rare_word_is_reason_enough(house: House) -> None:
    house.write("memory/scout/2026-11-18.md", "- BILLBOARD_BUY_AMT is the field for amounts.")

    notes = await house.notes(replace(WANTED, task="Sum up BILLBOARD_BUY_AMT of Friday."))

    assert "is the field for amounts" in notes


async def test_what_stands_in_the_prompt_already_is_left_out(house: House) -> None:
    house.write("memory/scout/MEMORY.md", "- The tallest lighthouse: see the harbour list.")

    assert "harbour list" in await house.notes()
    known = "# Your memory\n\n- The tallest lighthouse: see the harbour list. (since 2026-11-18)"
    assert await house.notes(replace(WANTED, known=known)) == ""


async def test_what_says_nearly_the_same_is_told_once(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        "- The lighthouse of Bremen harbour has a red lamp.",
        "- The lighthouse of the Bremen harbour has red lamp!",
        "- The lighthouse of Bremen harbour has no red lamp.",
    )

    notes = await house.notes()

    assert notes.count("red lamp") == 2
    assert "no red lamp" in notes


async def test_what_has_expired_is_left_out(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        "- The harbour lighthouse is closed. <!-- expires: 2026-11-20 -->",
        "- The harbour lighthouse is painted. <!-- expires: 2026-11-21 -->",
    )

    notes = await house.notes()

    assert "painted" in notes
    assert "closed" not in notes


async def test_a_lesson_that_a_newer_one_shows_wrong_is_not_told_as_a_fact(house: House) -> None:
    house.write(
        "memory/scout/.learnings/LEARNINGS.md",
        "## [LRN-20261116-001] insight",
        "**Status**: pending",
        "### Summary",
        "The tallest lighthouse is in Genoa harbour.",
        "### Metadata",
        "- Contradicted-By: LRN-20261118-001",
        "---",
    )

    assert "superseded by LRN-20261118-001: [LRN-20261116-001] insight" in await house.notes()


async def test_strangers_words_are_left_out_and_counted(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        "# 2026-11-18",
        "- The harbour lighthouse is blue. <!-- from outside: web.test -->",
        "- The harbour lighthouse has a keeper.",
    )

    notes = await house.notes()

    assert "has a keeper" in notes
    assert "blue" not in notes
    assert "web.test" not in notes
    assert "[Left out: 1 piece with words of strangers; `memory` search shows them.]" in notes


async def test_no_flood_of_strangers_words_takes_the_place_of_the_houses_own(house: House) -> None:
    house.write("memory/scout/2026-11-01.md", "- The harbour lighthouse has a keeper.")
    flood = [
        f"- The tallest harbour lighthouse is blue, {n}. <!-- from outside: web.test -->"
        for n in range(1_500)
    ]
    house.write("memory/scout/2026-11-18.md", *flood)

    notes = await house.notes()

    assert "has a keeper" in notes
    assert "blue" not in notes


async def test_an_agent_without_the_tool_is_not_sent_to_it(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        "- The harbour lighthouse is blue. <!-- from outside: web.test -->",
    )

    notes = await house.notes(replace(WANTED, can_search=False))

    assert "strangers" in notes
    assert "`memory`" not in notes


async def test_an_older_note_names_the_newer_one_that_says_otherwise(house: House) -> None:
    house.write("memory/scout/2026-10-02.md", "- The harbour lighthouse opens at 9:00.")
    house.write("memory/scout/2026-11-18.md", "- The harbour lighthouse opens at 10:00 now.")

    notes = await house.notes()

    older = next(line for line in notes.splitlines() if "9:00." in line)
    assert "in October 2026; superseded by memory/scout/2026-11-18.md:1)" in older


async def test_what_does_not_fit_is_counted(house: House) -> None:
    house.write(
        "memory/scout/2026-11-18.md",
        *(f"- Lighthouse {n} of harbour {n} has {n * 7} steps and a bell." for n in range(30)),
    )

    notes = await house.notes(replace(WANTED, tokens=250))

    assert estimate_tokens(notes) <= 250
    told = notes.count(" steps and a bell")
    assert 0 < told < 10
    assert f"[Left out: {30 - told} pieces more; `memory` search shows them.]" in notes


async def test_a_word_of_what_was_told_counts_as_use(house: House) -> None:
    line = "The lighthouse of Bremen harbour is 43 m tall."
    house.write("memory/scout/2026-11-18.md", f"- 09:12Z {line}")

    await house.notes()

    assert house.uses.read()[key_of(line)].count == 1


async def test_sections_of_the_agents_own_skills_come_below_the_notes(house: House) -> None:
    house.write("skills/letters/SKILL.md", SKILL)
    skills = (read_skill(house.home.skills / "letters" / "SKILL.md"),)
    house.index.sync()

    found = await house.recall.find(replace(WANTED, skills=skills))

    assert found.skills.startswith("# From your skills\n\n")
    assert "begins with the name of its lighthouse" in found.skills
    assert (await house.recall.find(WANTED)).skills == ""
    assert estimate_tokens(found.text) <= WANTED.tokens


async def test_nothing_is_looked_for_where_recall_is_off(house: House) -> None:
    house.write("memory/scout/2026-11-18.md", "- The harbour lighthouse is tall.")

    assert await house.notes(replace(WANTED, tokens=0)) == ""
    assert not house.home.state.joinpath("memory-uses.json").exists()


async def test_an_index_that_is_no_database_is_made_anew(house: House) -> None:
    house.write("memory/scout/2026-11-18.md", "- The harbour lighthouse is tall.")
    house.write(".harness/memory.db", "no database, but long enough to be taken for one" * 100)

    assert "is tall" in await house.notes()


async def test_two_hundred_skills_of_others_hide_none_of_the_agents_own(house: House) -> None:
    house.write("skills/letters/SKILL.md", SKILL)
    lines = [f"- The harbour has the tallest lighthouse, {n}." for n in range(10)]
    for n in range(200):
        front = ("---", f"name: other-{n}", "description: Another.", "---")
        sections = (line for each in lines for line in (f"# Lighthouse {each}", "", each, ""))
        house.write(f"skills/other-{n}/SKILL.md", *front, *sections)
    skills = (read_skill(house.home.skills / "letters" / "SKILL.md"),)
    house.index.sync()

    found = await replace(house.recall, seconds=60).find(replace(WANTED, skills=skills))

    assert "begins with the name of its lighthouse" in found.skills
    assert "other-" not in found.skills


class Broken(Index):
    """An index that another process keeps for itself."""

    def search(self, query: str, **more: Any) -> list[Hit]:
        raise Held("memory.db is locked")


class Slow(Index):
    """An index that answers when it is too late."""

    def __init__(self, home: Home, clock: Clock) -> None:
        super().__init__(home, clock)
        self.go = threading.Event()

    def search(self, query: str, **more: Any) -> list[Hit]:
        self.go.wait(30)
        return []


async def test_a_broken_index_is_a_session_without_recall_said_once(tmp_path: Path) -> None:
    recall = Recall(Broken(Home(tmp_path), SystemClock()), tmp_path, Uses(Home(tmp_path)))

    with capture_logs() as logs:
        found = [await recall.find(WANTED) for _ in range(3)]

    assert found == [NOTHING] * 3
    assert [line["error"] for line in logs] == ["memory.db is locked"]


async def test_a_slow_index_is_not_waited_for(tmp_path: Path) -> None:
    slow = Slow(Home(tmp_path), SystemClock())
    recall = Recall(slow, tmp_path, Uses(Home(tmp_path)), seconds=0.02)

    with capture_logs() as logs:
        found = [await recall.find(WANTED) for _ in range(5)]
    slow.go.set()

    assert found == [NOTHING] * 5
    assert [line["error"] for line in logs] == ["no answer within 0.02 s"]


def hits_of(*texts: str) -> list[Hit]:
    return [
        Hit(Unit("memory/scout/x.md", n, text, "scout", "note", None, "", (), None), f"{n}", 1.0)
        for n, text in enumerate(texts, start=1)
    ]


@settings(deadline=None)
@given(st.lists(st.text(max_size=400), max_size=20), st.integers(0, 1_200))
def test_a_block_never_takes_more_than_its_budget(texts: list[str], tokens: int) -> None:
    hits = hits_of(*(f"The harbour lighthouse {text}" for text in texts))

    found = block(hits, replace(WANTED, tokens=tokens), tokens)

    assert estimate_tokens(found.text) <= tokens


@settings(deadline=None)
@given(st.text(max_size=400))
def test_no_piece_can_begin_a_line_of_its_own(text: str) -> None:
    found = block(hits_of(f"The harbour lighthouse {text}"), WANTED, 2_000)

    head, _, rest = found.text.rpartition("\n\n")
    assert head.startswith("# From your notes")
    assert len(rest.splitlines()) == 1


RECALLED = Recalled("# From your notes\n\nWhat a search of your memory found.\n\n- Ships.", "")


def test_the_block_stands_below_the_task_and_nowhere_in_the_static_part() -> None:
    parts = Parts("You are Scout.", Ask("Look at the sea.", "cron", NOON))

    plain, told = compose(parts), compose(replace(parts, recalled=RECALLED))

    assert told.system == plain.system
    assert told.opening == f"{plain.opening}\n\n{RECALLED.text}"


def test_what_was_recalled_is_private_and_what_skills_say_is_not() -> None:
    ask = Ask("Look at the sea.", "cron", NOON)
    parts = Parts("You are Scout.", ask, recalled=Recalled("- Ada lives in Bremen.", "- How to."))

    assert "Bremen" in parts.private
    assert "How to" not in parts.private


async def test_the_model_without_a_language_model_takes_no_note_for_the_task(
    house: House,
) -> None:
    house.write("memory/scout/2026-11-18.md", "- The harbour lighthouse is tall.")
    house.write("skills/letters/SKILL.md", SKILL)
    skills = (read_skill(house.home.skills / "letters" / "SKILL.md"),)
    house.index.sync()
    found = await house.recall.find(replace(WANTED, skills=skills))
    message = opening(Ask(WANTED.task, "cron", NOON), recalled=found.text)

    situation = read(ChatRequest([Message(Role.USER, message)]))

    assert found.notes
    assert found.skills
    assert situation.task == WANTED.task
