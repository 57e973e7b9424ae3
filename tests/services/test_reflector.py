"""The reflector on a real bus and real files: what is over is read once, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from harness import files
from harness.audit.book import AuditBook
from harness.audit.log import AuditLog
from harness.audit.reader import last_lines
from harness.bus.port import Outcome, Request, Result, Stamp, Task
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.crew import read_crew
from harness.config.home import Home
from harness.config.hooks import Hook
from harness.hooks.hooks import Hooks
from harness.ids import Ids
from harness.memory.learning import Learning
from harness.memory.lessons.book import Book
from harness.models.port import ToolCall
from harness.services.reflector import RECORDED, TOO_OLD, Reflector
from harness.session.steps import ToolFinished, ToolStarted
from harness.session.transcript import Header, Transcript
from harness.text.secrets import Redactor
from harness.tools.catalogue import KNOWN
from harness.tools.tool import ToolResult


class Desk:
    """An agent whose tasks end as a test wants, and the reflector that reads them."""

    def __init__(self, home: Home, bus: SqliteBus, clock: FakeClock) -> None:
        self.home, self.bus, self.clock = home, bus, clock
        self.audit = AuditBook(AuditLog(home.audit, Redactor()), clock)
        self.hooks = self.freeze([])
        self.crew = read_crew(home, KNOWN, environment={})
        self.reflector = self.again()

    def freeze(self, hooks: list[Hook]) -> Hooks:
        return Hooks.freeze(hooks, self.home, {}, Redactor(), self.clock)

    def again(self) -> Reflector:
        """Another one, as after a restart."""
        return Reflector(
            self.bus, self.home, self.audit, lambda: self.hooks, lambda: self.crew, self.clock
        )

    async def ended(self, page: str = "BUY_AMT", outside: tuple[str, ...] = ()) -> Task:
        """A task in which a page was asked for that is not there, and what it had read by then."""
        await self.bus.request(Request("scout", "Read the page."))
        task = await self.bus.claim("scout", cap=1, owner="session")
        assert task is not None
        call = ToolCall("c1", "shared_context", {"action": "read", "name": page})
        result = ToolResult("c1", call.name, f"there is no page `{page}`", ok=False)
        header = Header(task.id, "scout", task.attempt, "scripted/x")
        with Transcript(self.home.sessions, header, self.clock) as transcript:
            transcript.write(ToolStarted(1, call))
            transcript.write(ToolFinished(1, result))
        return await self.bus.final(task, Outcome.DONE, Result("Done.", outside=outside))

    async def read(self) -> None:
        """Let the reflector read everything that it is owed and that does not rest, once."""
        for task in await self.owed():
            if not self.reflector.rests(task):
                await self.reflector.offer(task)

    async def owed(self) -> list[Task]:
        return await self.bus.owed(Stamp.LEARNED)

    def lessons(self) -> list[Learning]:
        return Book(self.home, "scout", Redactor()).learnings()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock, home = FakeClock(), Home(tmp_path)
    home.agents.mkdir()
    home.cron_file.write_text("timezone: America/Los_Angeles\njobs: {}\n")
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        desk = Desk(home, bus, clock)
        yield desk
        await desk.audit.aclose()


async def test_strangers_whose_words_stood_in_the_prompt_mark_what_is_learned(desk: Desk) -> None:
    await desk.ended(outside=("evil.test",))
    await desk.read()

    (lesson,) = desk.lessons()
    assert lesson.quarantine == ("evil.test",)


async def test_a_mistake_is_written_down_and_the_task_is_owed_no_more(desk: Desk) -> None:
    task = await desk.ended()

    await desk.read()

    (lesson,) = desk.lessons()
    assert (lesson.title, lesson.tasks) == ("shared_context", (task.id,))
    assert await desk.owed() == []


async def test_another_day_raises_the_count(desk: Desk) -> None:
    for _ in range(3):
        await desk.ended()
        await desk.read()
        desk.clock.shift(timedelta(days=1))

    assert [(lesson.count, len(lesson.tasks)) for lesson in desk.lessons()] == [(3, 3)]


async def test_a_crash_between_the_entry_and_the_stamp_counts_nothing_twice(desk: Desk) -> None:
    (task,) = [await desk.ended()]
    await desk.reflector.read(task)
    desk.reflector = desk.again()

    await desk.read()

    assert [lesson.count for lesson in desk.lessons()] == [1]
    assert await desk.owed() == []


async def test_what_cannot_be_written_is_tried_again_and_holds_up_nobody(desk: Desk) -> None:
    first = await desk.ended()
    in_the_way = desk.home.learnings("scout") / "ERRORS.md"
    in_the_way.mkdir(parents=True)
    await desk.read()
    waiting = await desk.owed()
    in_the_way.rmdir()

    await desk.read()  # it rests
    still = await desk.owed()
    desk.clock.shift(timedelta(minutes=1))
    await desk.read()

    assert [task.id for task in waiting] == [task.id for task in still] == [first.id]
    assert [lesson.count for lesson in desk.lessons()] == [1]
    assert await desk.owed() == []


async def test_in_the_end_a_folder_that_stays_broken_is_given_up(desk: Desk) -> None:
    await desk.ended()
    (desk.home.learnings("scout") / "ERRORS.md").mkdir(parents=True)

    for _ in range(10):
        await desk.read()
        desk.clock.shift(timedelta(hours=2))

    assert await desk.owed() == []


async def test_transcripts_that_are_gone_or_torn_teach_nothing(desk: Desk) -> None:
    gone, torn = await desk.ended(), await desk.ended("OTHER")
    (desk.home.sessions / f"{gone.id}-1.jsonl").unlink()
    (desk.home.sessions / f"{torn.id}-1.jsonl").write_text("{")

    await desk.read()

    assert desk.lessons() == []
    assert await desk.owed() == []


async def test_what_ended_long_ago_is_not_read(desk: Desk) -> None:
    await desk.ended()
    desk.clock.shift(TOO_OLD + timedelta(minutes=1))

    await desk.read()

    assert desk.lessons() == []
    assert await desk.owed() == []


async def test_a_hook_can_keep_a_lesson_out(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "no.sh"
    script.write_text("#!/bin/sh\ncat > asked.json\necho 'not this one' >&2\nexit 2\n")
    script.chmod(0o700)
    desk.hooks = desk.freeze([Hook(on=["learning"], command=[str(script)])])
    await desk.ended()

    await desk.read()

    assert desk.lessons() == []
    assert await desk.owed() == []


async def test_the_audit_tells_of_it(desk: Desk) -> None:
    task = await desk.ended()

    await desk.read()
    await desk.audit.aclose()

    (line,) = [line for line in last_lines(desk.home.audit, 9) if line.action == RECORDED]
    assert line.target == desk.lessons()[0].id
    assert json.loads(json.dumps(line.details))["task"] == task.id


async def test_it_serves_until_it_is_asked_to_stop(desk: Desk) -> None:
    await desk.ended()
    stop = asyncio.Event()
    running = asyncio.create_task(desk.reflector.run(stop))

    async with asyncio.timeout(10):
        while await desk.owed():
            await asyncio.sleep(0)
    stop.set()
    await running

    assert len(desk.lessons()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
async def test_what_could_not_be_written_while_an_editor_had_the_file_is_written_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    await desk.ended()
    await desk.read()
    await desk.ended("SELL_AMT")

    with (desk.home.learnings("scout") / "ERRORS.md").open("a"):
        await desk.read()
    owed = await desk.owed()
    await desk.clock.advance(3_600)
    await desk.read()

    assert len(owed) == 1
    assert await desk.owed() == []
    assert len(desk.lessons()) == 2


async def test_an_evening_belongs_to_the_day_of_the_crew(desk: Desk) -> None:
    await desk.ended()  # at midnight in UTC, which is four in the afternoon in Los Angeles

    await desk.read()

    (lesson,) = desk.lessons()
    assert lesson.first_seen == lesson.verifications[0].day == date(2025, 12, 31)
