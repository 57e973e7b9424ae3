"""`harness correct`: a person's word on a task becomes a lesson of the agent that did it."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from harness import files
from harness.bus.sqlite import SqliteBus
from harness.clock import SystemClock
from harness.config.home import Home
from harness.ids import Ids
from harness.memory.learning import Learning, Source
from harness.memory.lessons.book import Book
from harness.services.lock import HomeLock
from harness.text.secrets import Redactor
from tests.cli.conftest import Harness

WRONG = "The digest named a price without its date. Prices without a date are of no use."


@pytest.fixture
def task(harness: Harness) -> str:
    """A task of scout's that waits, for the crew is not running."""
    return str(harness("send", "scout", "Morning digest", "--json").document["id"])


def lessons(home: Home) -> list[Learning]:
    return Book(home, "scout", Redactor()).learnings()


def test_a_correction_is_a_lesson_of_high_priority(harness: Harness, home: Home, task: str) -> None:
    said = harness("correct", task, WRONG)

    (lesson,) = lessons(home)
    assert (lesson.title, lesson.priority, lesson.status) == ("correction", "high", "pending")
    assert lesson.summary == "The digest named a price without its date."
    assert [seen.source for seen in lesson.verifications] == [Source.PERSON]
    assert lesson.tasks == (task,)
    assert f"written as {lesson.id} (memory/scout/.learnings/LEARNINGS.md:3)" in said.out
    assert f"harness memory promote {lesson.id}" in said.out


def test_the_same_correction_of_two_tasks_is_one_lesson_seen_twice(
    harness: Harness, home: Home, task: str
) -> None:
    other = harness("send", "scout", "Evening digest", "--json").document["id"]

    first = harness("correct", task[:18], WRONG, "--json").document
    again = harness("correct", task, WRONG, "--json").document
    second = harness("correct", other, WRONG, "--json").document

    assert (first["new"], again["counted"], second["counted"]) == (True, False, True)
    assert {first["id"], again["id"], second["id"]} == {first["id"]}
    assert [(lesson.count, lesson.tasks) for lesson in lessons(home)] == [(2, (task, other))]


def test_a_rule_and_a_key_go_with_it(harness: Harness, home: Home, task: str) -> None:
    rule = "When naming a price, give its date."

    harness("correct", task, WRONG, "--rule", rule, "--key", "digest.undated-price")

    (lesson,) = lessons(home)
    assert (lesson.fix, lesson.pattern_key) == (rule, "digest.undated-price")


def test_a_correction_shows_an_older_lesson_to_be_wrong(
    harness: Harness, home: Home, task: str
) -> None:
    old = harness("correct", task, "Prices need no date at all.", "--json").document["id"]

    new = harness("correct", task, WRONG, "--contradicts", old, "--json").document["id"]

    assert {lesson.id: lesson.contradicted_by for lesson in lessons(home)} == {old: new, new: ""}


def test_no_secret_of_a_correction_is_kept(harness: Harness, home: Home, task: str) -> None:
    harness("correct", task, "Never print AKIAIOSFODNN7EXAMPLE again in a digest.")

    assert "AKIAIOSFODNN7EXAMPLE" not in (home.learnings("scout") / "LEARNINGS.md").read_text()


def test_what_cannot_be_is_said(harness: Harness, home: Home, task: str) -> None:
    assert harness("correct", "01KXNOTHERE", WRONG).code == 4
    assert harness("correct", task, "  ").code == 2
    assert harness("correct", task, WRONG, "--key", "no key").code == 2
    assert harness("correct", task, WRONG, "--contradicts", "LRN-20260101-001").code == 4
    assert lessons(home) == []


def test_an_agent_that_is_at_work_on_it_is_told(harness: Harness, home: Home, task: str) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=os.getpid())
        asyncio.run(taken_up(home))
        told = harness("correct", task, WRONG, "--json").document["told"]

    assert told
    assert asyncio.run(notes_of(home, task)) == [("person", WRONG)]


async def taken_up(home: Home) -> None:
    bus = SqliteBus.open(home, SystemClock(), Ids(SystemClock()))
    await bus.claim("scout", cap=1, owner="test")
    await bus.aclose()


async def notes_of(home: Home, task: str) -> list[tuple[str, str]]:
    bus = SqliteBus.open(home, SystemClock(), Ids(SystemClock()))
    notes = await bus.take_notes(bus.reader.get(task))
    await bus.aclose()
    return [(note.sender, note.text) for note in notes]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
def test_a_person_is_told_that_somebody_has_the_file_open(
    harness: Harness, home: Home, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    harness("correct", task, WRONG)

    with (home.learnings("scout") / "LEARNINGS.md").open("a"):
        said = harness("correct", task, "A digest begins with its date.")

    assert said.code == 6
    assert "LEARNINGS.md is being written by somebody else: try again later" in said.err
    assert harness("correct", task, "A digest begins with its date.").code == 0
